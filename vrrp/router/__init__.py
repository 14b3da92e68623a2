"""The virtual router of RFC 9568 section 6.4, with handover and sync groups: theory of operation.

How the machine is driven
-------------------------

`vrrp.router.machine.Router` is a state machine without a socket, a clock or a timer. Its driver
(`vrrp.instance.instance.Instance`, or a simulation in a test) does this for every event::

    actions = router.handle(event, now)
    for action in actions:
        perform(action)
    set_timer(router.deadline)

Events are values such as `AdvertisementReceived` or `HandoverRequested`; actions are values such as
`SendAdvertisement` or `AcquireAddresses` (`vrrp.router.event`). The driver keeps these rules:

- ``now`` is monotonic time in seconds.
- It performs the actions at once and in their order.
- When the timer expires, it first delivers the advertisements that already wait in the socket, and
  then `TimerExpired`. So a process that was stalled receives the advertisements of its successor
  before it could claim to be ACTIVE.
- It delivers an advertisement only if `vrrp.protocol.packet.decode` and
  `vrrp.protocol.validation.validate` have accepted it.

``deadline`` is the only timer of the machine. It is the Active_Down_Timer in BACKUP, the
Adver_Timer in ACTIVE, and None while no timer runs.

States
------

INITIALIZE, BACKUP and ACTIVE are the states of the RFC. The diagram shows four more, which are
phases of them and do not appear in reports:

- READY: a BACKUP router of a sync group whose Active_Down_Timer has expired. No timer runs.
- HANDOVER: an ACTIVE router that hands over to a peer, and becomes BACKUP after that.
- SEEKING: an ACTIVE router that hands over, but only to a peer that wins the election.
- STOPPING: an ACTIVE router that hands over to a peer, and stops after that.

An event that the diagram does not show for a state does not change the state::

    INITIALIZE
     +-- Startup ---------------> BACKUP      the usual start
     +-- Startup ---------------> ACTIVE      an address owner, or a router that resumes
    BACKUP
     +-- TimerExpired ----------> ACTIVE      the active router is silent, or may be preempted
     +-- TimerExpired ----------> READY       the same, in a sync group
     +-- StopRequested ---------> INITIALIZE
     +-- Shutdown --------------> INITIALIZE
    READY
     +-- GroupBecomesActive ----> ACTIVE      every member of the sync group is ready
     +-- AdvertisementReceived -> BACKUP      from a router that may stay ACTIVE, or priority 0
     +-- StopRequested ---------> INITIALIZE
     +-- Shutdown --------------> INITIALIZE
    ACTIVE
     +-- AdvertisementReceived -> BACKUP      the sender wins, or this process was stalled
     +-- TimerExpired ----------> BACKUP      this process was stalled
     +-- GroupBecomesBackup ----> BACKUP      another member of the sync group is BACKUP
     +-- HandoverRequested -----> HANDOVER
     +-- BetterPeerSought ------> SEEKING     the priority is lowered, or the host is not fit
     +-- StopRequested ---------> STOPPING
     +-- Shutdown --------------> INITIALIZE  without a handover
    HANDOVER
     +-- TimerExpired ----------> BACKUP      the successor has taken over
     +-- TimerExpired ----------> ACTIVE      no peer took over
     +-- HandoverUndone --------> ACTIVE
     +-- StopRequested ---------> STOPPING
     +-- Shutdown --------------> INITIALIZE
    SEEKING
     +-- TimerExpired ----------> BACKUP      the successor has taken over
     +-- TimerExpired ----------> ACTIVE      no peer took over
     +-- AdvertisementReceived -> ACTIVE      the successor would lose the election
     +-- HandoverRequested -----> HANDOVER
     +-- HandoverUndone --------> ACTIVE
     +-- StopRequested ---------> STOPPING
     +-- Shutdown --------------> INITIALIZE
    STOPPING
     +-- TimerExpired ----------> INITIALIZE  the successor has taken over, or no peer did
     +-- Shutdown --------------> INITIALIZE

Tests compare this diagram with the machine, and the machine with the text of the RFC.

Handover
--------

A handover never leaves the addresses without a holder (`vrrp.router.handover`):

1. The router sends priority 0 and stops its announcements, but keeps the addresses.
2. A peer takes over after its skew time. It advertises, acquires the addresses and announces them.
3. The router releases the addresses when all of them were announced, or 0.2 s after the latest sign
   of the successor.

If no peer takes over, the router repeats priority 0 once. Then it stays ACTIVE and reports
`HandoverAbandoned`, or it stops if a stop was requested. After a requested handover the router is
``yielding``: its priority is 1 until `HandoverUndone`, so that every peer wins the election.

A router whose priority is lowered, or whose host is not fit to serve, starts a handover without an
order (`better_peer`). A peer that does not preempt would otherwise stay BACKUP. The router does not
yield after this handover. It refuses a successor that would lose the election. It does not try
again more often than every 30 s.

Sync groups
-----------

The router of a group member does not become ACTIVE by its timer. It enters READY, and the driver
asks `vrrp.router.sync_group.decide` for the next events of all members after every change.

A process that was stalled
--------------------------

An expired timer that is several intervals late shows that the process did not run. A peer has taken
over by then. So the router does not continue as ACTIVE: it listens first, like a new router.

The other modules
-----------------

- `election`: which router wins, and the timers.
- `better_peer`: when an ACTIVE router hands over without an order.
- `reconfiguration`: changes of the configuration and of the priority.
- `priority`: the priority that results from tracked objects.
- `eligibility`: whether an instance may take part in elections (`debounce` delays changes).
- `alarms`: faults of peer routers that the protocol permits.
- `spacing`: a limit on how often something is done.
"""
