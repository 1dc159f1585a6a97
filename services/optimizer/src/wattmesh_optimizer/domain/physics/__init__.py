"""What assets really do when they are asked for some power: forward, interval by interval.

Independent of the matrices: a plan is judged by this, whoever made it.
"""
