# Kaplan-Meier curves of R's survival package: run `Rscript tests/reference/survfit.R`
# from the root of the project. Writes tests/reference/survfit.json.
#
# Rows with time 0 (3 in flchain) cannot be at risk and are left out. Long curves are
# thinned to at most 24 steps a group.

source(file.path("tests", "reference", "cohorts.R"))

steps_kept <- 24
scales <- c(
  `log-log` = "log-log", log = "log", plain = "plain", logit = "logit",
  arcsine = "arcsin"
)
horizons <- list(
  lung = c(100, 365, 730), veteran = c(30, 90, 365), flchain = c(1000, 3000, 4500),
  rotterdam = c(365, 1826, 3652)
)

rows_of <- function(data, used) {
  rows <- cohorts[[data]]
  rows[rows$time > 0 & complete.cases(rows[used]), ]
}

quantiles_of <- function(fit) {
  found <- quantile(fit, probs = c(0.25, 0.5, 0.75))
  lapply(found, function(values) unname(as.vector(t(values))))
}

curve <- function(name, data, outcome, groups = character(), weights = NULL) {
  rows <- rows_of(data, c(groups, weights))
  rows$.weight <- if (is.null(weights)) rep(1, nrow(rows)) else rows[[weights]]
  right <- if (length(groups)) paste(groups, collapse = " + ") else "1"
  formula <- as.formula(paste(outcome, "~", right))
  fits <- lapply(scales, function(type) {
    survfit(formula, data = rows, weights = .weight, conf.type = type)
  })
  fit <- fits[["log-log"]]
  group <- if (length(groups)) rep(seq_along(fit$strata), fit$strata) else
    rep(1, length(fit$time))
  keep <- unlist(lapply(split(seq_along(group), group), function(steps) {
    unique(steps[round(seq(1, length(steps), length.out = steps_kept))])
  }))
  std_error <- if (fit$logse) fit$std.err * fit$surv else fit$std.err
  at <- summary(fit, times = horizons[[data]], extend = TRUE)
  list(
    name = name, data = data, formula = paste(outcome, "~", right), weights = weights,
    groups = groups, n = unname(fit$n),
    curve = list(
      group = group[keep], time = fit$time[keep], at_risk = fit$n.risk[keep],
      events = fit$n.event[keep], censored = fit$n.censor[keep],
      survival = fit$surv[keep], std_error = std_error[keep]
    ),
    limits = lapply(fits, function(f) list(low = f$lower[keep], high = f$upper[keep])),
    quantiles = lapply(fits, quantiles_of),
    at = list(
      group = if (length(groups)) as.integer(at$strata) else rep(1, length(at$time)),
      time = at$time, at_risk = at$n.risk, survival = at$surv, std_error = at$std.err,
      low = at$lower, high = at$upper
    )
  )
}

plain <- "Surv(time, event)"
tied <- "Surv(years, event)"
late <- "Surv(entry, time, event)"

write_reference("survfit", list(
  curve("lung", "lung", plain),
  curve("lung by sex", "lung", plain, "sex"),
  curve("lung by sex and ecog", "lung", plain, c("sex", "ph_ecog")),
  curve("lung, tied times", "lung", tied, "sex"),
  curve("lung, whole weights", "lung", plain, "sex", weights = "frequency"),
  curve("lung, fractional weights", "lung", plain, "sex", weights = "weight"),
  curve("lung, delayed entry", "lung", late, "sex"),
  curve("lung, delayed entry, fractional weights", "lung", late, "sex",
        weights = "weight"),
  curve("veteran by cell type", "veteran", plain, "celltype"),
  curve("flchain by sex", "flchain", plain, "sex"),
  curve("flchain, fractional weights", "flchain", plain, "sex", weights = "weight"),
  curve("rotterdam by size", "rotterdam", plain, "size"),
  curve("rotterdam, delayed entry", "rotterdam", late, "size")
))
