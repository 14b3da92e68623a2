"""The bytes of VRRP: packets, authentication, validation, announcements of addresses."""
