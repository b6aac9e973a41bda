"""The world outside the park service: plants with PLCs, MQTT sensors and DCS exports, and what goes wrong in them.

Imports nothing of the product: an oracle that shares its mistakes could not find them.
"""
