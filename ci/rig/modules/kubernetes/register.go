package main

// What the upstream mains register by import: time zones for CronJobs, JSON
// logs, and the client and version metrics.
import (
	_ "time/tzdata"

	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)
