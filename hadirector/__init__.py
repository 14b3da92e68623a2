"""hadirector: a high-availability, health-checking director for Linux IPVS.

Composes the two packages that stand alone, ``vrrp`` and ``checks``, with the IPVS dataplane.
This module imports nothing, because the vrrp process loads it.
"""

__version__ = "0.2.0"
