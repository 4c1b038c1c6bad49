# Restricted means and differences of survival from R's survival package: run
# `Rscript tests/reference/restricted_means.R` from the root of the project. Writes
# tests/reference/restricted_means.json.
#
# Means and their standard errors are those that `print(survfit(...), rmean = tau)`
# shows; with fractional weights the standard error is the infinitesimal jackknife's,
# from `residuals(..., type = "rmst")`. Differences and ratios follow from them by hand.
# Rows with time 0 (3 in flchain) cannot be at risk and are left out.

source(file.path("tests", "reference", "cohorts.R"))

contrast <- function(estimate, std_error) {
  z <- estimate / std_error
  list(estimate = estimate, std_error = std_error, statistic = z,
       p_value = 2 * pnorm(-abs(z)), low = estimate + qnorm(0.025) * std_error,
       high = estimate + qnorm(0.975) * std_error)
}

case <- function(name, data, outcome, groups, tau, times, weights = NULL) {
  rows <- cohorts[[data]]
  rows <- rows[rows$time > 0 & complete.cases(rows[groups]), ]
  rows$.weight <- if (is.null(weights)) rep(1, nrow(rows)) else rows[[weights]]
  formula <- as.formula(paste(outcome, "~", groups))
  fit <- survfit(formula, data = rows, weights = .weight)
  shown <- summary(fit, rmean = tau, extend = TRUE)$table
  mean <- unname(shown[, "rmean"])
  std_error <- unname(shown[, "se(rmean)"])
  if (any(rows$.weight %% 1 != 0)) {
    parts <- split(rows, rows[[groups]], drop = TRUE)
    std_error <- unname(vapply(parts, function(part) {
      alone <- do.call(survfit, list(
        formula = as.formula(paste(outcome, "~ 1")), data = part,
        weights = part$.weight
      ))
      sqrt(sum(residuals(alone, times = tau, type = "rmst", weighted = TRUE)^2))
    }, 0))
  }
  at <- summary(fit, times = times, extend = TRUE)
  wide <- function(values) matrix(values, nrow = length(times))
  s <- wide(at$surv)
  se <- wide(at$std.err)
  others <- seq_along(mean)[-1]
  log_log <- function(k) {
    h <- -log(s[, c(1, k)])
    scaled <- se[, c(1, k)] / (s[, c(1, k)] * h)
    (log(h[, 1]) - log(h[, 2])) / sqrt(rowSums(scaled^2))
  }
  list(
    name = name, data = data, formula = paste(outcome, "~", groups),
    weights = weights, tau = tau, times = times, mean = mean, std_error = std_error,
    difference = lapply(others, function(k) {
      contrast(mean[k] - mean[1], sqrt(std_error[k]^2 + std_error[1]^2))
    }),
    log_ratio = lapply(others, function(k) {
      contrast(log(mean[k] / mean[1]),
               sqrt((std_error[k] / mean[k])^2 + (std_error[1] / mean[1])^2))
    }),
    survival = lapply(others, function(k) {
      contrast(s[, k] - s[, 1], sqrt(se[, k]^2 + se[, 1]^2))
    }),
    log_log = lapply(others, log_log)
  )
}

plain <- "Surv(time, event)"
late <- "Surv(entry, time, event)"

write_reference("restricted_means", list(
  case("lung by sex", "lung", plain, "sex", 365, c(100, 365)),
  case("lung by sex, whole follow-up", "lung", plain, "sex", 965, c(200, 800)),
  case("lung by sex, tau between events", "lung", plain, "sex", 100.5, c(50, 100.5)),
  case("lung, tied times", "lung", "Surv(years, event)", "sex", 2, c(1, 2)),
  case("lung, whole weights", "lung", plain, "sex", 500, c(100, 365),
       weights = "frequency"),
  case("lung, fractional weights", "lung", plain, "sex", 500, c(100, 365),
       weights = "weight"),
  case("lung, delayed entry", "lung", late, "sex", 600, c(100, 365)),
  case("lung, delayed entry, fractional weights", "lung", late, "sex", 600,
       c(100, 365), weights = "weight"),
  case("veteran by cell type", "veteran", plain, "celltype", 150, c(30, 90)),
  case("flchain by sex", "flchain", plain, "sex", 4500, c(1000, 4000)),
  case("rotterdam by size", "rotterdam", plain, "size", 3650, c(365, 1826)),
  case("rotterdam, delayed entry", "rotterdam", late, "size", 3000, c(365, 1826))
))
