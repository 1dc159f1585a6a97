"""What a course of events costs and which wishes it misses, whoever planned it.

Independent of the matrices: tariffs by the kernel's arithmetic, everything else from powers and
states.
"""
