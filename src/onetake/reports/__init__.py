"""Results become artefacts: tables, charts, a manifest, and one HTML file that opens offline.

Nothing is computed here that a reader would have to believe: numbers and intervals come from `onetake.evaluation`,
`onetake.calibration` and `onetake.logs`; this room lays them out.
"""
