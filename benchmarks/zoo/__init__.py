"""Public architectures and programs, watched and not: ``python -m benchmarks.zoo``.

    case                       a model and its loss, made anew from a seed
    by_hand, from_libraries -> trying -> __main__        tiny models, a process for each few
    programs                -> running -> __main__       published scripts as they are

What is held: parameters and losses are the same bit for bit, watched and not; what is explained is
the gradient that autograd left; and how much of the parameters is taken apart.
"""
