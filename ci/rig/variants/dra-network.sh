# devices by resource claims (DRA), and a second driver that offers network interfaces
on() {
  switch_allocation RIG_ALLOCATION=dra
  network_driver_up
}
off() {
  network_driver_down
  mend_allocation
}
