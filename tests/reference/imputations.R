# Analyses of completed tables pooled by mice and mitml: run
# `Rscript tests/reference/imputations.R` from the root of the project. Writes
# tests/reference/imputations.json.
#
# Nothing here is random. Table number m of lung is completed by integer arithmetic, and
# tests/survival/test_pooling.py repeats it: a missing value takes the value of the row
# (7 m) places further down among the rows where it is known.
#
# D3 is written from its definition, because mice 3.15 holds coefficients of lm and glm
# fixed only; coxph(init =, iter.max = 0) gives the likelihoods that it needs.

source(file.path("tests", "reference", "cohorts.R"))
suppressMessages(library(mice))
library(mitml)

completed <- function(frame, number, columns) {
  for (name in columns) {
    known <- which(!is.na(frame[[name]]))
    missing <- which(is.na(frame[[name]]))
    donors <- known[(seq_along(missing) * 11 + 7 * number) %% length(known) + 1]
    frame[[name]][missing] <- frame[[name]][donors]
  }
  frame
}

columns <- c("ph_ecog", "ph_karno", "pat_karno", "meal_cal", "wt_loss")
tables <- lapply(1:5, function(m) completed(cohorts$lung, m, columns))
control <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 60)
fit_all <- function(formula, ties) {
  lapply(tables, function(table) {
    coxph(as.formula(formula), table, ties = ties, control = control)
  })
}

pooled <- function(name, formula, ties = "efron") {
  result <- mice::pool(as.mira(fit_all(formula, ties)))$pooled
  limits <- qt(0.975, result$df) * sqrt(result$t)
  list(
    name = name, data = "lung", kind = "pool", formula = formula, ties = ties,
    estimate = result$estimate, std_error = sqrt(result$t), df = result$df,
    riv = result$riv, fmi = result$fmi,
    conf_low = result$estimate - limits, conf_high = result$estimate + limits
  )
}

log_likelihood_at <- function(formula, beta, table, ties) {
  coxph(as.formula(formula), table, ties = ties, init = beta,
        control = coxph.control(iter.max = 0))$loglik[1]
}

nested <- function(name, smaller, larger, ties = "efron") {
  small <- fit_all(smaller, ties)
  large <- fit_all(larger, ties)
  k <- length(coef(large[[1]])) - length(coef(small[[1]]))
  m <- length(tables)
  at_estimates <- vapply(1:m, function(i) {
    2 * (large[[i]]$loglik[2] - small[[i]]$loglik[2])
  }, 0)
  mean_coef <- function(fits) rowMeans(do.call(cbind, lapply(fits, coef)))
  beta0 <- mean_coef(small)
  beta1 <- mean_coef(large)
  at_pooled <- vapply(tables, function(table) {
    2 * (log_likelihood_at(larger, beta1, table, ties) -
           log_likelihood_at(smaller, beta0, table, ties))
  }, 0)
  r3 <- (m + 1) / (k * (m - 1)) * (mean(at_estimates) - mean(at_pooled))
  v <- k * (m - 1)
  w <- if (v > 4) {
    4 + (v - 4) * (1 + (1 - 2 / v) / r3)^2
  } else {
    v * (1 + 1 / k) * (1 + 1 / r3)^2 / 2
  }
  d3 <- mean(at_pooled) / (k * (1 + r3))
  d2 <- testModels(large, small, method = "D2", use = "likelihood")$test
  d1 <- testModels(large, small, method = "D1")$test
  list(
    name = name, data = "lung", kind = "nested", smaller = smaller, larger = larger,
    ties = ties,
    D1 = unname(d1[1, ]), D2 = unname(d2[1, ]),
    D3 = c(d3, k, w, pf(d3, k, w, lower.tail = FALSE), r3)
  )
}

cases <- list(
  pooled("five tables", "Surv(time, event) ~ age + ph_ecog + wt_loss + meal_cal"),
  pooled("tied years, Breslow", "Surv(years, event) ~ age + wt_loss", ties = "breslow"),
  nested("one added", "Surv(time, event) ~ age + ph_ecog",
         "Surv(time, event) ~ age + ph_ecog + wt_loss"),
  nested("four added", "Surv(time, event) ~ age",
         "Surv(time, event) ~ age + ph_ecog + ph_karno + wt_loss + meal_cal"),
  nested("two added, Breslow", "Surv(years, event) ~ age",
         "Surv(years, event) ~ age + pat_karno + wt_loss", ties = "breslow")
)

write_reference("imputations", cases)
