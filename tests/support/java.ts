/**
 * Of a JVM that lives for minutes at most: better code for it would come too late, and a collector
 * with threads of its own costs more than it saves.
 */
export const SHORT_LIVED_JAVA: readonly string[] = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
