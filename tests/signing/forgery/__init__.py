"""Forged papers by the hundred: every way of changing a signed PDF without the signers' keys, on every kind of paper.

`papers` makes legitimate signed papers, the modules in `attacks` change them, `table` says which attack goes with which
paper. `python -m tests.signing.forgery DIR [N]` writes forged files into a folder, for whoever wants to look at them.
"""
