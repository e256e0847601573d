"""CartPole in a peer's own venv: reads a number of steps from each line, takes them, answers with a line.

Needs nothing of onetake. Arguments: which peer, how many environments.
"""

import os
import sys


def gymnax(n):
    # One core, as the others have.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import functools

    import gymnax
    import jax

    env, parameters = gymnax.make("CartPole-v1")
    key = jax.random.key(0)
    _, state = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(key, n), parameters)

    @functools.partial(jax.jit, static_argnums=2)
    def roll(key, state, count):
        def body(carry, _):
            key, state = carry
            key, chosen, moved = jax.random.split(key, 3)
            action = jax.random.randint(chosen, (n,), 0, 2)
            out = jax.vmap(env.step, in_axes=(0, 0, 0, None))(jax.random.split(moved, n), state, action, parameters)
            return (key, out[1]), out[2].sum()

        return jax.lax.scan(body, (key, state), None, count)

    def go(count):
        jax.block_until_ready(roll(key, state, count))

    return go


def envpool(n):
    import envpool
    import numpy as np

    env = envpool.make("CartPole-v1", env_type="gymnasium", num_envs=n, num_threads=1, seed=1)
    env.reset()
    actions = np.random.default_rng(0).integers(0, 2, (64, n)).astype(np.int32)

    def go(count):
        for i in range(count):
            env.step(actions[i % 64])

    return go


if __name__ == "__main__":
    run = {"gymnax": gymnax, "envpool": envpool}[sys.argv[1]](int(sys.argv[2]))
    for line in sys.stdin:
        run(int(line))
        print("taken", flush=True)
