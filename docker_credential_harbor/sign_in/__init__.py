"""The ways to reach a person: one file each, given settings and giving tokens or a finding. None knows another."""
