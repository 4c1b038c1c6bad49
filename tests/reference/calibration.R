# Calibration of predicted risks with R's survival: run
# `Rscript tests/reference/calibration.R` from the root of the project. Writes
# tests/reference/calibration.json.
#
# The predicted risks are those of horizons.R, made again here. The smooth curve is the
# one of Austin, Harrell and van Klaveren (2020): coxph of a restricted cubic spline
# (Hmisc's rcspline.eval, three knots) of log(-log(1 - p)), follow-up cut at the horizon.
# E90 is R's quantile of type 2.

suppressMessages(library(Hmisc))
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

case <- function(name, data, horizon, time = "time") {
  rows <- with_risks(data)
  rows$time <- rows[[time]]
  rows <- rows[rows$time > 0, ]
  p <- rows$risk
  overall <- summary(
    survfit(Surv(time, event) ~ 1, data = rows, conf.type = "log-log"), times = horizon
  )
  cut <- transform(rows, event = event * (time <= horizon), time = pmin(time, horizon))
  control <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
  cut$log_hazard <- log(-log(1 - p))
  slope <- coxph(Surv(time, event) ~ log_hazard, data = cut, control = control)

  knots <- quantile(cut$log_hazard, c(0.1, 0.5, 0.9))
  spline <- function(x) rcspline.eval(x, knots = knots, inclx = TRUE)
  basis <- spline(cut$log_hazard)
  cut$linear <- basis[, 1]
  cut$curve <- basis[, 2]
  fit <- coxph(Surv(time, event) ~ linear + curve, data = cut, control = control)
  at <- function(x) {
    columns <- spline(x)
    new <- data.frame(linear = columns[, 1], curve = columns[, 2])
    last <- summary(survfit(fit, newdata = new), times = horizon, extend = TRUE)
    list(
      log_hazard = log(as.vector(last$cumhaz)),
      std_error = as.vector(last$std.err / last$surv / last$cumhaz)
    )
  }
  ends <- 1 - exp(-exp(quantile(cut$log_hazard, c(0.01, 0.99))))
  grid <- seq(ends[1], ends[2], length.out = 100)
  smooth <- at(log(-log(1 - grid)))
  hazard <- basehaz(fit, centered = FALSE)
  total <- hazard$hazard[nrow(hazard)]
  observed <- 1 - exp(-total * exp(drop(basis %*% coef(fit))))
  distance <- abs(observed - p)

  edges <- unique(quantile(p, (1:4) / 5))
  group <- findInterval(p, edges, left.open = TRUE) + 1
  groups <- summary(
    survfit(Surv(time, event) ~ group, data = rows, conf.type = "log-log"),
    times = horizon
  )
  list(
    name = name, data = data, time = time, horizon = horizon, n = nrow(rows),
    observed = 1 - overall$surv, observed_low = 1 - overall$upper,
    observed_high = 1 - overall$lower, expected = mean(p),
    slope = unname(coef(slope)), slope_std_error = sqrt(slope$var[1, 1]),
    grid = grid, log_hazard = smooth$log_hazard, std_error = smooth$std_error,
    distances = c(mean(distance), median(distance),
                  unname(quantile(distance, 0.9, type = 2))),
    group_predicted = as.vector(tapply(p, group, mean)),
    group_observed = 1 - groups$surv, group_low = 1 - groups$upper,
    group_high = 1 - groups$lower
  )
}

write_reference("calibration", list(
  case("lung, days", "lung", 365),
  case("lung, years", "lung", 2, time = "years"),
  case("rotterdam, days", "rotterdam", 1826),
  case("rotterdam, years", "rotterdam", 10, time = "years"),
  case("flchain, days", "flchain", 3652)
))
