"""PettingZoo's own checks on market and auction, Parallel and through AEC; and what auctions are known to do."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from onetake.envs.auction import AuctionVector
from onetake.envs.market import MarketVector
from onetake.envs.parallel import AuctionParallelEnv, MarketParallelEnv, turn_by_turn
from onetake.errors import ConfigError, NotReadyError, ShapeError, UnknownIdError

pytestmark = pytest.mark.pettingzoo
pytest.importorskip("pettingzoo", reason="the extra `marl` is not installed")

MADE = [
    pytest.param(lambda: MarketParallelEnv({"sellers": 3, "horizon": 40, "shock": 0.2}), id="market"),
    pytest.param(lambda: MarketParallelEnv({"memory": 0, "horizon": 40}), id="market without memory"),
    pytest.param(lambda: AuctionParallelEnv({"bidders": 3, "budget": 2.0, "horizon": 40}), id="auction"),
    pytest.param(lambda: AuctionParallelEnv({"values": "lognormal", "price": "first", "horizon": 40}), id="lognormal"),
]


@pytest.mark.parametrize("make", MADE)
def test_the_parallel_checks_pass(make: Any) -> None:
    from pettingzoo.test import parallel_api_test, parallel_seed_test

    parallel_api_test(make(), num_cycles=100)
    parallel_seed_test(make, num_cycles=50)


# Without memory there is nothing to see, hence a single number; PettingZoo advises against it.
@pytest.mark.filterwarnings("ignore:Observation is a single number", "ignore:Observation numpy array is all zeros")
@pytest.mark.parametrize("make", MADE)
def test_the_turn_by_turn_checks_pass(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from pettingzoo.test import api_test, seed_test

    api_test(turn_by_turn(make()), num_cycles=100)
    seed_test(lambda: turn_by_turn(make()), num_cycles=20)


@pytest.mark.parametrize("make", [MADE[0], MADE[2]])
def test_the_performance_benchmark_runs(
    make: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pettingzoo.test import performance_benchmark

    # It plays for five seconds; here a clock that goes fifty times as fast is enough to see that it runs.
    real = time.time
    start = real()
    monkeypatch.setattr(time, "time", lambda: start + 50 * (real() - start))
    performance_benchmark(turn_by_turn(make()))
    assert "Finished performance benchmark" in capsys.readouterr().out


@pytest.mark.parametrize("make", MADE)
def test_observations_lie_in_their_spaces_and_spaces_stay_the_same_object(make: Any) -> None:
    env = make()
    obs, _ = env.reset(seed=3)
    for agent in env.possible_agents:
        env.action_space(agent).seed(1)
        assert env.observation_space(agent) is env.observation_space(agent)
    for _ in range(40):
        assert all(env.observation_space(agent).contains(seen) for agent, seen in obs.items())
        obs, _, terminated, truncated, _ = env.step({a: env.action_space(a).sample() for a in env.agents})
    assert all(truncated.values())
    assert not any(terminated.values())
    assert env.agents == []


def test_what_does_not_fit_is_refused_and_names_whom() -> None:
    env = MarketParallelEnv()
    with pytest.raises(NotReadyError, match="wanted a reset first"):
        env.step({})
    env.reset()
    with pytest.raises(
        ShapeError, match="actions: got none of seller_1, one of seller_7; wanted one of each of seller_0"
    ):
        env.step({"seller_0": 1, "seller_7": 1})
    with pytest.raises(ShapeError, match=r"actions\['seller_1'\]: got 15; wanted one of Discrete\(15\)"):
        env.step({"seller_0": 1, "seller_1": 15})
    with pytest.raises(UnknownIdError, match="agent: got 'buyer'; wanted one of seller_0, seller_1"):
        env.action_space("buyer")
    with pytest.raises(ConfigError, match="render_mode: got 'human'"):
        MarketParallelEnv(render_mode="human")
    auction = AuctionParallelEnv()
    auction.reset()
    with pytest.raises(ShapeError, match=r"actions\['bidder_0'\]: got nan"):
        auction.step({"bidder_0": float("nan"), "bidder_1": 0.5})


def test_one_environment_is_a_row_of_a_batch() -> None:
    env, batch = MarketParallelEnv({"shock": 0.2}, seed=4), MarketVector({"shock": 0.2}, markets=3, seed=4)
    obs, _ = env.reset()
    rows, _ = batch.reset()
    for t in range(5):
        assert (np.stack(list(obs.values())) == rows[0]).all()
        obs, reward, _, _, _ = env.step({"seller_0": t, "seller_1": 2 * t})
        rows, profit, _, _, _ = batch.step(np.tile([t, 2 * t], (3, 1)))
        assert list(reward.values()) == profit[0].tolist()


def revenue(price: str, bidders: int, share: float) -> tuple[float, float]:
    auction = AuctionVector({"price": price, "bidders": bidders, "horizon": 1}, auctions=40_000, seed=2)
    auction.reset()
    paid = auction.step(auction.values() * share)[4]["payment"].sum(axis=1)
    return float(paid.mean()), float(paid.std() / 200)


@pytest.mark.parametrize("bidders", [2, 5])
def test_both_kinds_of_auction_earn_what_theory_says(bidders: int) -> None:
    # Krishna, section 2.3: with even values and equilibrium bids both earn (n - 1) / (n + 1).
    want = (bidders - 1) / (bidders + 1)
    for price, share in (("second", 1.0), ("first", (bidders - 1) / bidders)):
        found, error = revenue(price, bidders, share)
        assert found == pytest.approx(want, abs=4 * error)


def test_truth_is_the_best_bid_where_the_next_bid_is_paid_and_shading_where_the_own_is() -> None:
    def earned(price: str, share: float, others: float) -> float:
        auction = AuctionVector({"price": price, "bidders": 3, "horizon": 1}, auctions=20_000, seed=5)
        auction.reset()
        bids = auction.values() * others
        bids[:, 0] = auction.values()[:, 0] * share
        return float(auction.step(bids)[1][:, 0].mean())

    shares = [0.5, 0.6, 2 / 3, 0.75, 0.85, 1.0]
    # The same luck for each share: truth is best in every single auction, hence in the mean without any margin.
    assert max(shares, key=lambda s: earned("second", s, 1.0)) == 1.0
    # Against bids of 2/3 of the value, 2/3 is best; its neighbours here lose less than a sampled mean can be wrong by.
    assert max(shares, key=lambda s: earned("first", s, 2 / 3)) in (0.6, 2 / 3, 0.75)
    assert earned("first", 1.0, 2 / 3) == 0.0


def test_budgets_are_never_overspent_and_pacing_lasts_longer() -> None:
    settings = {"budget": [5.0, 1e9], "horizon": 100, "mode": "multiplier"}

    def play(multiplier: float) -> tuple[Any, int]:
        auction = AuctionVector(settings, auctions=50, seed=3)
        auction.reset()
        earned, last = np.zeros(50), 0
        for t in range(100):
            _, reward, _, _, infos = auction.step(np.tile([multiplier, 1.0], (50, 1)))
            earned += reward[:, 0]
            last = t if (infos["payment"][:, 0] > 0.05).any() else last
        assert (auction.left()[:, 0] >= 0).all()
        return earned, last

    (fast, early), (paced, late) = play(1.0), play(0.4)
    assert late > early
    # The same values for both, so that the difference is paired: paced earns more from the same budget.
    gap = paced - fast
    assert gap.mean() > 3 * gap.std() / 50**0.5
