"""What instances track besides interfaces; the vrrp process itself is only told results."""
