"""The wire format of VRRP: packets, authentication, validation, and address announcements."""
