# Odds ratios of death by an early day, by R's glm: run
# `Rscript tests/reference/early_deaths.R` from the root of the project. Writes
# tests/reference/early_deaths.json.
#
# Rows censored before the horizon are left out. The weighted estimates are those of
# glm() with weights 1 / G(t-), G the Kaplan-Meier curve of censoring in which events at
# a time have left before those censored at it; their standard errors are the sandwich
# of the weighted score with the influence of every row on G (martingale form), written
# out as a double loop over rows and censoring times.

source(file.path("tests", "reference", "cohorts.R"))

control <- glm.control(epsilon = 1e-15, maxit = 100)

early <- function(name, data, right, horizon, weighted = FALSE) {
  rows <- cohorts[[data]]
  used <- all.vars(as.formula(paste("~", right)))
  rows <- rows[rows$time > 0 & complete.cases(rows[used]), ]
  died <- rows$event == 1 & rows$time <= horizon
  lived <- rows$time >= horizon & !died
  known <- died | lived
  rows$died <- as.numeric(died)
  rows$w <- as.numeric(known)
  censored_at <- sort(unique(rows$time[!known]))
  at_risk <- function(s) sum(rows$time >= s & !(died & rows$time == s))
  n_censored <- function(s) sum(!known & rows$time == s)
  if (weighted) {
    G_before <- function(t) {
      s <- censored_at[censored_at < t]
      prod(vapply(s, function(u) 1 - n_censored(u) / at_risk(u), 0))
    }
    until <- ifelse(lived, horizon, rows$time)
    rows$w[known] <- 1 / vapply(until[known], G_before, 0)
  }
  fit <- suppressWarnings(glm(as.formula(paste("died ~", right)), family = binomial,
                              data = rows[known, ], weights = w, control = control))
  cov <- vcov(fit)
  if (weighted) {
    X <- model.matrix(as.formula(paste("~", right)), rows)
    p <- drop(plogis(X %*% coef(fit)))
    psi <- X * (rows$w * known * (died - p))
    total <- psi
    for (s in censored_at) {
      # those censored at the horizon lived to it, so no s reaches them
      later <- known & (lived | rows$time > s)
      H <- colSums(psi[later, , drop = FALSE])
      Y <- at_risk(s)
      here <- !known & rows$time == s
      risk <- rows$time >= s & !(died & rows$time == s)
      total[here, ] <- sweep(total[here, , drop = FALSE], 2, -H / Y)
      total[risk, ] <- sweep(total[risk, , drop = FALSE], 2,
                             H * n_censored(s) / Y^2)
    }
    A <- solve(crossprod(X, X * (rows$w * known * p * (1 - p))))
    cov <- A %*% crossprod(total) %*% A
  }
  list(
    name = name, data = data, formula = paste("Surv(time, event) ~", right),
    horizon = horizon, weighted = weighted, n = sum(known), n_events = sum(died),
    n_censored = sum(!known), log_or = unname(coef(fit)[-1]),
    std_error = unname(sqrt(diag(cov))[-1])
  )
}

write_reference("early_deaths", list(
  early("lung, 90 days", "lung", "age + sex", 90),
  early("lung, 365 days", "lung", "age + factor(sex) + ph_karno", 365),
  early("lung, 365 days, weighted", "lung", "age + sex", 365, weighted = TRUE),
  early("veteran, 30 days", "veteran", "karno + celltype", 30),
  early("veteran, 100 days, weighted", "veteran", "karno + age", 100, weighted = TRUE),
  early("rotterdam, five years, weighted", "rotterdam", "age + nodes + size", 1826,
        weighted = TRUE)
))
