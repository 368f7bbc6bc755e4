"""The compiled loops of turf cutting: plain arrays in, plain arrays out, a file a job.

What the arrays mean is said in `graph`, `cut` and `walk`. All loops are compiled once per machine
(`warm.warm_kernels`, called at set-up) and kept on disk: none compiles in a web request. Ties go to
the lower index, chance comes from a seed: same input, same output.
"""
