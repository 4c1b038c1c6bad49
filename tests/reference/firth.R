# Cox models penalised by Jeffreys' prior (Firth 1993; Heinze and Schemper 2001): run
# `Rscript tests/reference/firth.R` from the root of the project. Writes
# tests/reference/firth.json.
#
# Written here from the definition, since no R package of the distribution offers it:
# the maximum of l(beta) + log(det(I(beta))) / 2, with l, its gradient and I summed risk
# set by risk set, and the gradient of the penalty by Richardson extrapolation of central
# differences. Good to about 1e-9. l and I are checked against coxph.
#
# Where a covariate is never 1 in a row with the event, the likelihood without penalty
# has its limit where those rows have left the risk sets; coxph gives it on the others.

source(file.path("tests", "reference", "cohorts.R"))

likelihood <- function(beta, X, rows, efron) {
  risk <- exp(drop(X %*% beta))
  p <- ncol(X)
  value <- 0
  gradient <- numeric(p)
  information <- matrix(0, p, p)
  for (g in unique(rows$group)) {
    here <- rows$group == g
    for (t in unique(rows$time[here & rows$event == 1])) {
      dying <- here & rows$time == t & rows$event == 1
      at_risk <- here & rows$time >= t & rows$entry < t
      d <- sum(dying)
      value <- value + sum(X[dying, , drop = FALSE] %*% beta)
      gradient <- gradient + colSums(X[dying, , drop = FALSE])
      for (l in seq_len(d) - 1) {
        share <- risk * at_risk
        if (efron) share <- share - l / d * risk * dying
        total <- sum(share)
        mean <- colSums(X * share) / total
        value <- value - log(total)
        gradient <- gradient - mean
        information <- information +
          crossprod(X * share, X) / total - outer(mean, mean)
      }
    }
  }
  list(value = value, gradient = gradient, information = information)
}

log_penalty <- function(beta, ...) {
  determinant(likelihood(beta, ...)$information)$modulus / 2
}

penalty_gradient <- function(beta, ..., step = 2e-3) {
  vapply(seq_along(beta), function(k) {
    slope <- function(h) {
      move <- replace(numeric(length(beta)), k, h)
      (log_penalty(beta + move, ...) - log_penalty(beta - move, ...)) / (2 * h)
    }
    coarse <- (4 * slope(step) - slope(2 * step)) / 3
    fine <- (4 * slope(step / 2) - slope(step)) / 3
    (16 * fine - coarse) / 15
  }, 0)
}

maximum <- function(X, rows, efron) {
  beta <- numeric(ncol(X))
  for (iteration in 1:200) {
    at <- likelihood(beta, X, rows, efron)
    step <- solve(at$information,
                  at$gradient + penalty_gradient(beta, X, rows, efron))
    beta <- beta + step * min(1, 2 / max(abs(step)))
    if (max(abs(step) * sqrt(diag(at$information))) < 1e-10) break
  }
  stopifnot(iteration < 200)
  beta
}

case <- function(name, data, formula, ties = "efron", strata = NULL) {
  rows <- cohorts[[data]]
  used <- all.vars(as.formula(formula))
  rows <- rows[complete.cases(rows[used]), ]
  outcome <- model.response(model.frame(as.formula(formula), rows))
  X <- model.matrix(as.formula(formula), rows)[, -1, drop = FALSE]
  scale <- apply(X, 2, sd)
  Z <- scale(X)
  sets <- list(
    entry = if (ncol(outcome) == 3) outcome[, 1] else rep(-1, nrow(X)),
    time = outcome[, ncol(outcome) - 1], event = outcome[, ncol(outcome)],
    group = if (is.null(strata)) rep(1, nrow(X)) else rows[[strata]]
  )
  efron <- ties == "efron"
  with_strata <- function(formula) {
    as.formula(paste(formula, if (!is.null(strata)) paste0("+ strata(", strata, ")")))
  }
  check <- coxph(with_strata(formula), rows, ties = ties, iter.max = 0)
  none <- likelihood(numeric(ncol(X)), Z, sets, efron)
  stopifnot(
    all.equal(none$value, check$loglik[1], tolerance = 1e-12),
    all.equal(unname(solve(none$information)), unname(check$var * outer(scale, scale)),
              tolerance = 1e-9)
  )
  control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)
  limit <- function(rows, formula) {
    coxph(with_strata(formula), rows, ties = ties, control = control)$loglik[2]
  }
  reduced <- sub(" + spared", "", formula, fixed = TRUE)
  beta <- maximum(Z, sets, efron)
  at <- likelihood(beta, Z, sets, efron)
  penalised <- function(at) at$value + log(det(at$information)) / 2 + sum(log(scale))
  result <- list(
    name = name, data = data, formula = formula, ties = ties, strata = strata,
    terms = colnames(X), coef = unname(beta / scale),
    std_error = unname(sqrt(diag(solve(at$information))) / scale),
    penalised_log_likelihood = penalised(at),
    penalised_log_likelihood_null = penalised(none)
  )
  if (reduced != formula) {
    stopifnot(all(rows$event[rows$spared == 1] == 0))
    result$log_likelihood_limit <- limit(rows[rows$spared == 0, ], reduced)
    result$lr_statistic_spared <-
      2 * (result$log_likelihood_limit - limit(rows, reduced))
  }
  result
}

cases <- list(
  case("veteran efron", "veteran", "Surv(time, event) ~ karno + celltype"),
  case("veteran breslow", "veteran", "Surv(time, event) ~ karno + celltype",
       ties = "breslow"),
  case("lung years efron", "lung", "Surv(years, event) ~ age + ph_ecog"),
  case("level without events", "lung", "Surv(time, event) ~ age + spared"),
  case("level without events breslow", "lung", "Surv(time, event) ~ age + spared",
       ties = "breslow"),
  case("level without events strata", "lung", "Surv(time, event) ~ age + spared",
       strata = "sex"),
  case("level without events years", "lung",
       "Surv(years, event) ~ ph_ecog + spared")
)

write_reference("firth", cases)
