"""The official look of Decree 30/2020: a `Paper` in, a PDF with the places of number, signature and seal out.

Runs in workers: one page costs 60 to 110 ms of CPU.
"""
