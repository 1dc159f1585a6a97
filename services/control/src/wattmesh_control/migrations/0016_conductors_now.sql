-- Loops of gateways ask every few seconds which setpoints flow in fewer conductors than their device has.
CREATE INDEX proposals_by_conductors ON proposals (end_time) WHERE phase <> 'three';
