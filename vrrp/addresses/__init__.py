"""The resources of an ACTIVE instance on its host: addresses, routes, rules, macvlans."""
