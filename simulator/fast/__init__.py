"""The fast engine: the model as machine code, in which what an event does is written once more for numba.

It sends what the processes of ``simulator.venue`` send, byte for byte, and needs the extra ``ticketsim[fast]``. Only
``engine`` is for others.
"""
