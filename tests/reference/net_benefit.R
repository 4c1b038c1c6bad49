# Net benefit with R's survival: run `Rscript tests/reference/net_benefit.R` from the root
# of the project. Writes tests/reference/net_benefit.json.
#
# Kaplan-Meier risk among those above each threshold (Vickers et al. 2008); the predicted
# risks are those of calibration.R, made again here.

source(file.path("tests", "reference", "cohorts.R"))

with_risks <- function(data) {
  rows <- cohorts[[data]]
  if (data == "lung") {
    rows$risk <- (rows$age - 32) / 64
  } else if (data == "rotterdam") {
    rows$risk <- (rows$age - 16) / 128
  } else {
    rows$risk <- pmin(rows$light_chain, 16000) / 16384
  }
  rows
}

case <- function(name, data, horizon, time = "time", weights = NULL) {
  rows <- with_risks(data)
  rows$time <- rows[[time]]
  rows <- rows[rows$time > 0, ]
  rows$.weight <- if (is.null(weights)) rep(1, nrow(rows)) else rows[[weights]]
  thresholds <- c(0.0625, 0.125, 0.25, 0.375, 0.5, 0.625)
  benefit <- function(risk, threshold) {
    above <- rows[risk >= threshold, ]
    if (nrow(above) == 0) return(0)
    curve <- survfit(Surv(time, event) ~ 1, data = above, weights = .weight)
    survival <- summary(curve, times = horizon, extend = TRUE)$surv
    share <- sum(above$.weight) / sum(rows$.weight)
    odds <- threshold / (1 - threshold)
    share * (1 - survival) - share * survival * odds
  }
  list(
    name = name, data = data, time = time, weights = weights, horizon = horizon,
    thresholds = thresholds,
    model = vapply(thresholds, function(t) benefit(rows$risk, t), 0),
    all = vapply(thresholds, function(t) benefit(rep(1, nrow(rows)), t), 0)
  )
}

write_reference("net_benefit", list(
  case("lung, days", "lung", 365),
  case("lung, whole weights", "lung", 365, weights = "frequency"),
  case("rotterdam, years", "rotterdam", 5, time = "years"),
  case("flchain, days", "flchain", 3652)
))
