import { type Clock, systemClock } from "../../core/base/clock.ts";

/** By it nothing takes too long: how long something takes, a busy machine says. */
export const patientClock: Clock = {
  nowMs: systemClock.nowMs,
  sleep: (ms, signal) => systemClock.sleep(ms * 100, signal),
};
