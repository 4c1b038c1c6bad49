# The data sets of the references: R's own, with columns derived by integer arithmetic
# that tests/support/cohorts.py repeats. `frame_digest` gives both sides the same hash.
#
# Common columns: `time`, `event` (0/1), `entry` (delayed entry, always below `time`
# unless `time` is 0), `years` (time rounded up to years, so heavily tied),
# `frequency` (weights 1, 2, 3), `weight` (weights 1/4 to 7/4), `spared` (1 in some rows
# without the event, in none with it). flchain: `light_chain`, kappa + lambda in ug/ml,
# whole, since sums that differ in the last bit would be ties in one program only.

library(survival)

derived <- function(frame) {
  names(frame) <- gsub(".", "_", names(frame), fixed = TRUE)
  row <- seq_len(nrow(frame))
  frame$entry <- (frame$time * (row %% 4)) %/% 8
  frame$years <- ceiling(frame$time / 365.25)
  frame$frequency <- 1 + row %% 3
  frame$weight <- (1 + row %% 7) / 4
  frame$spared <- as.numeric(frame$event == 0 & row %% 2 == 0)
  frame
}

# One row per interval between the cuts, `late` from the last cut on.
split_at <- function(frame, cuts) {
  frame$subject <- seq_len(nrow(frame))
  frame$entry <- NULL
  rows <- survSplit(Surv(time, event) ~ ., data = frame, cut = cuts, start = "entry")
  rows$late <- as.numeric(rows$entry >= max(cuts))
  rows
}

# Recurrence as a covariate that changes: two rows for those who lived on after it.
at_recurrence <- function(frame) {
  frame$subject <- seq_len(nrow(frame))
  changes <- frame$recur == 1 & frame$rtime < frame$time
  before <- transform(frame, entry = 0, recurred = 0)
  before$time[changes] <- frame$rtime[changes]
  before$event[changes] <- 0
  after <- transform(frame[changes, ], entry = rtime, recurred = 1)
  rows <- rbind(before, after)
  rows[order(rows$subject, rows$entry), ]
}

lung_days <- derived(transform(lung, event = status - 1))
veteran_days <- derived(transform(veteran, event = status))
flchain_days <- derived(
  transform(flchain, time = futime, event = death,
            light_chain = floor(1000 * (kappa + lambda) + 0.5))
)
rotterdam_days <- derived(transform(rotterdam, time = dtime, event = death))

cohorts <- list(
  lung = lung_days,
  veteran = veteran_days,
  flchain = flchain_days,
  rotterdam = rotterdam_days,
  lung_split = split_at(lung_days, c(180, 365)),
  rotterdam_recurrence = at_recurrence(rotterdam_days)
)

# SHA-256 over the columns in alphabetical order: name, then values as little-endian
# doubles (factors by code, missing as -999999).
frame_digest <- function(frame) {
  bytes <- raw()
  for (name in sort(names(frame), method = "radix")) {
    values <- as.double(frame[[name]])
    values[is.na(values)] <- -999999
    bytes <- c(bytes, charToRaw(name), writeBin(values, raw(), endian = "little"))
  }
  digest::digest(bytes, algo = "sha256", serialize = FALSE)
}

# Write the cases beside the script, with everything that made them.
write_reference <- function(name, cases) {
  script <- file.path("tests", "reference", paste0(name, ".R"))
  used <- unique(vapply(cases, function(case) case$data, ""))
  used <- used[used %in% names(cohorts)]
  jsonlite::write_json(
    list(
      script_sha256 = digest::digest(script, algo = "sha256", file = TRUE),
      versions = list(
        R = paste(R.version$major, R.version$minor, sep = "."),
        survival = as.character(packageVersion("survival"))
      ),
      data_sha256 = lapply(cohorts[used], frame_digest),
      cases = cases
    ),
    file.path("tests", "reference", paste0(name, ".json")),
    auto_unbox = TRUE, digits = I(17), pretty = TRUE, na = "null", null = "null"
  )
}
