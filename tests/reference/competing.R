# Competing risks of R's packages survival and cmprsk: run
# `Rscript tests/reference/competing.R` from the root of the project. Writes
# tests/reference/competing.json.
#
# tests/support/competing.py derives the same outcomes. Rows with time 0 are left out.
# Long curves are thinned to at most 24 steps a group.

source(file.path("tests", "reference", "cohorts.R"))
suppressMessages(library(cmprsk))

steps_kept <- 24

# lung: every third row with an event has cause 2. rotterdam: recurrence or death before
# it. mgus2: plasma-cell malignancy or death before it, in months.
outcomes <- list(
  lung = transform(cohorts$lung, code = ifelse(event == 1, 1 + seq_along(event) %% 3 %/% 2, 0)),
  rotterdam = transform(
    cohorts$rotterdam,
    time = ifelse(recur == 1, rtime, dtime),
    code = ifelse(recur == 1, 1, 2 * death)
  ),
  mgus2 = transform(
    mgus2,
    time = ifelse(pstat == 1, ptime, futime),
    code = ifelse(pstat == 1, 1, 2 * death),
    male = as.numeric(sex == "M"),
    decade = age %/% 10
  )
)
outcomes <- lapply(outcomes, function(frame) {
  row <- seq_len(nrow(frame))
  frame$event <- as.numeric(frame$code > 0)
  frame$entry <- (frame$time * (row %% 4)) %/% 8
  frame$years <- ceiling(frame$time / ifelse(max(frame$time) < 1000, 12, 365))
  frame$untied <- rank(frame$time, ties.method = "first")
  frame$weight <- (1 + row %% 7) / 4
  frame$row <- row
  frame[frame$time > 0, ]
})

complete <- function(data, used) {
  rows <- outcomes[[data]]
  rows[complete.cases(rows[used]), ]
}

described <- function(.kind, .name, .data, .formula, ...) {
  data <- .data
  digest <- frame_digest(if (data == "mgus2") mgus2 else cohorts[[data]])
  c(list(
    kind = .kind, name = .name, data = data, digest = digest, formula = .formula,
    cmprsk = as.character(packageVersion("cmprsk"))
  ), list(...))
}

incidence <- function(name, data, group, time = "time", weights = NULL, entry = FALSE) {
  rows <- complete(data, c(group, weights))
  rows$.time <- rows[[time]]
  rows$.weight <- if (is.null(weights)) 1 else rows[[weights]]
  rows$.state <- factor(rows$code, 0:2, c("none", "1", "2"))
  left <- if (entry) "Surv(entry, .time, .state)" else "Surv(.time, .state)"
  formula <- as.formula(paste(left, "~", group))
  fits <- lapply(c(`log-log` = "log-log", log = "log", plain = "plain"), function(type) {
    survfit(formula, data = rows, weights = .weight, conf.type = type, id = row)
  })
  fit <- fits[["log-log"]]
  in_group <- rep(seq_along(fit$strata), fit$strata)
  keep <- unlist(lapply(split(seq_along(in_group), in_group), function(steps) {
    unique(steps[round(seq(1, length(steps), length.out = steps_kept))])
  }))
  causes <- match(c("1", "2"), fit$states)
  take <- function(values) lapply(causes, function(k) unname(values[keep, k]))
  shown <- if (entry) "Surv(entry, %s, event) ~ %s" else "Surv(%s, event) ~ %s"
  described("incidence", name, data, sprintf(shown, time, group),
    weights = weights, group = unname(in_group[keep]), time = fit$time[keep],
    at_risk = unname(fit$n.risk[keep, 1]),
    incidence = take(fit$pstate), std_error = take(fit$std.err),
    limits = lapply(fits, function(f) list(low = take(f$lower), high = take(f$upper)))
  )
}

gray <- function(name, data, group, time = "time", strata = NULL) {
  rows <- complete(data, c(group, strata))
  fit <- if (is.null(strata)) cuminc(rows[[time]], rows$code, rows[[group]]) else
    cuminc(rows[[time]], rows$code, rows[[group]], strata = rows[[strata]])
  described("gray", name, data, sprintf("Surv(%s, event) ~ %s", time, group),
    strata = strata, n = nrow(rows), statistic = unname(fit$Tests[, "stat"]),
    df = unname(fit$Tests[, "df"])
  )
}

# Variance of cuminc, the other estimator, at one time.
martingale <- function(name, data, group, at) {
  rows <- complete(data, group)
  found <- timepoints(cuminc(rows$time, rows$code, rows[[group]]), at)
  described("martingale", name, data, sprintf("Surv(time, event) ~ %s", group), at = at,
    incidence = unname(found$est[, 1]), std_error = unname(sqrt(found$var[, 1]))
  )
}

subdistribution <- function(name, data, covariates, of, time = "time", groups = NULL,
                            same_ties = FALSE) {
  rows <- complete(data, c(covariates, groups))
  X <- as.matrix(rows[covariates])
  arguments <- list(rows[[time]], rows$code, X, failcode = of, gtol = 1e-12, maxiter = 100)
  if (!is.null(groups)) arguments$cengroup <- rows[[groups]]
  fit <- do.call(crr, arguments)
  # `converged` is false where the last halvings met rounding; the next step decides.
  stopifnot(max(abs(fit$invinf %*% fit$score) / sqrt(diag(fit$var))) < 1e-7)
  new <- X[c(1, 2, 100), , drop = FALSE]
  predicted <- predict(fit, new)
  kept <- unique(round(seq(1, nrow(predicted), length.out = 12)))
  case <- described("subdistribution", name, data,
    sprintf("Surv(%s, event) ~ %s", time, paste(covariates, collapse = " + ")),
    of = of, groups = groups, n = nrow(rows), coef = unname(fit$coef), cov = unname(fit$var),
    log_likelihood = fit$loglik, log_likelihood_null = fit$loglik.null,
    predicted = list(
      rows = rows$row[c(1, 2, 100)], time = predicted[kept, 1],
      incidence = unname(t(predicted[kept, -1]))
    )
  )
  if (same_ties) {
    rows$.time <- rows[[time]]
    rows$.state <- factor(rows$code, 0:2, c("none", "1", "2"))
    right <- paste(covariates, collapse = " + ")
    strata <- if (is.null(groups)) "" else paste0(" + strata(", groups, ")")
    long <- finegray(as.formula(paste("Surv(.time, .state) ~", right, strata)),
      data = rows, etype = as.character(of))
    again <- coxph(as.formula(paste("Surv(fgstart, fgstop, fgstatus) ~", right)),
      data = long, weights = fgwt, ties = "breslow",
      control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50, timefix = FALSE))
    case$finegray <- unname(coef(again))
  }
  case
}

cause_specific <- function(name, data, covariates) {
  rows <- complete(data, covariates)
  right <- paste(covariates, collapse = " + ")
  fits <- lapply(1:2, function(code) {
    rows$.event <- rows$code == code
    coxph(as.formula(paste("Surv(time, .event) ~", right)), data = rows,
      control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50))
  })
  described("cox", name, data, paste("Surv(time, event) ~", right),
    coef = lapply(fits, function(f) unname(coef(f))),
    std_error = lapply(fits, function(f) unname(sqrt(diag(vcov(f)))))
  )
}

write_reference("competing", list(
  incidence("lung by sex", "lung", "sex"),
  incidence("lung, tied times", "lung", "sex", time = "years"),
  incidence("lung, fractional weights", "lung", "sex", weights = "weight"),
  incidence("lung, delayed entry", "lung", "sex", entry = TRUE),
  incidence("lung, delayed entry, fractional weights", "lung", "sex",
    weights = "weight", entry = TRUE),
  incidence("rotterdam by grade", "rotterdam", "grade"),
  incidence("mgus2 by sex", "mgus2", "male"),
  incidence("mgus2 by decade, in years", "mgus2", "decade", time = "years"),
  martingale("mgus2, variance of cmprsk", "mgus2", "male", 120),
  martingale("rotterdam, variance of cmprsk", "rotterdam", "grade", 1826),
  gray("lung by ecog", "lung", "ph_ecog"),
  gray("lung by ecog, strata", "lung", "ph_ecog", strata = "sex"),
  gray("rotterdam by size", "rotterdam", "size"),
  gray("rotterdam by size, strata, tied times", "rotterdam", "size", time = "years",
    strata = "grade"),
  gray("mgus2 by sex", "mgus2", "male"),
  gray("mgus2 by decade, tied times", "mgus2", "decade", time = "years"),
  gray("mgus2 by decade, strata", "mgus2", "decade", strata = "male"),
  subdistribution("lung, cause 1", "lung", c("age", "sex", "ph_ecog"), 1),
  subdistribution("lung, cause 2, tied times", "lung", c("age", "sex"), 2, time = "years"),
  subdistribution("lung, no ties", "lung", c("age", "sex"), 1, time = "untied",
    same_ties = TRUE),
  subdistribution("mgus2, malignancy", "mgus2", c("age", "male", "hgb"), 1),
  subdistribution("mgus2, death, in years", "mgus2", c("age", "hgb", "creat"), 2,
    time = "years"),
  subdistribution("mgus2, no ties", "mgus2", c("age", "hgb"), 2, time = "untied",
    same_ties = TRUE),
  subdistribution("mgus2, two curves of censoring", "mgus2", c("age", "hgb"), 2,
    groups = "male"),
  subdistribution("mgus2, two curves, no ties", "mgus2", c("age", "hgb"), 1,
    time = "untied", groups = "male"),
  cause_specific("mgus2", "mgus2", c("age", "male", "hgb")),
  cause_specific("rotterdam", "rotterdam", c("age", "nodes"))
))
