"""lrlesson: the learning rate in neural networks, as a small NumPy library that is read."""

__version__ = "0.1.0"
