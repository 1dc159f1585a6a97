"""What a trajectory costs and which requirements it misses, whoever planned it.

Independent of the matrices: tariffs by the kernel's arithmetic, everything else from powers and
states.
"""
