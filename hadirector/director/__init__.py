"""The director's loop: life cycle, dispatch of messages, reconfiguring."""
