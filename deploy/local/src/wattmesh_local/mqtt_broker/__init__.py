"""The local MQTT broker: amqtt, with QoS 1 made to last.

amqtt 0.12.1 loses QoS 1 messages in these cases, each found by running it:
- Behind `AnonymousAuthPlugin` every session counts as anonymous: nothing is kept for a client
  that is away, and its session is deleted a second after it left.
- What was sent but not yet acknowledged when a client dies is dropped, as is whatever was not
  acknowledged within 5 s: a client that acknowledges late, on purpose, loses messages.
- When a client connects while its old connection still counts, the end of the old connection
  marks the new one as disconnected, and messages stay in the queue until the next connect.
- Sessions, subscriptions and queues live in memory only: a restart of the broker forgets them.

`DurableBroker` keeps the messages of persistent sessions itself, in SQLite: a PUBLISH is
acknowledged once it is stored for every persistent subscriber, sent again in order on every
connect, and deleted when the subscriber acknowledges it.
"""

from wattmesh_local.mqtt_broker.broker import DurableBroker

__all__ = ["DurableBroker"]
