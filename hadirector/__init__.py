"""hadirector: a high-availability, health-checking director for Linux IPVS.

Composes the two packages that stand alone, ``vrrp`` and ``checks``, with the IPVS dataplane.
Kept free of imports: the vrrp process pays for whatever stands here.
"""

__version__ = "0.1.0"
