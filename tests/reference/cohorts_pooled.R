# Meta-analysis of cohorts by metafor: run `Rscript tests/reference/cohorts_pooled.R` from
# the root of the project. Writes tests/reference/cohorts_pooled.json.
#
# Estimates are typed here or come from coxph and concordance in parts of a data set. REML
# is iterated to 1e-13 (the default stops at 1e-5). `predict` of metafor 3.8 has the
# prediction interval with t on k - 1 degrees of freedom after Knapp and Hartung; the one
# of Higgins et al. (2009) on k - 2 is made of the same standard error.

source(file.path("tests", "reference", "cohorts.R"))
suppressMessages(library(metafor))

control <- list(threshold = 1e-13, maxiter = 10000)

summarise <- function(name, data, y, v, ...) {
  fit <- rma(y, v, method = "REML", test = "knha", control = control)
  common <- rma(y, v, method = "FE")
  profile <- confint(fit, control = list(tol = 1e-14))$random
  k <- length(y)
  half <- sqrt(fit$se^2 + fit$tau2)
  list(
    name = name, data = data, y = y, v = v, ...,
    random = c(fit$beta), se = fit$se, low = fit$ci.lb, high = fit$ci.ub,
    p = fit$pval, tau2 = fit$tau2, i2 = fit$I2 / 100,
    tau2_low = profile["tau^2", "ci.lb"], tau2_high = profile["tau^2", "ci.ub"],
    i2_low = profile["I^2(%)", "ci.lb"] / 100,
    i2_high = profile["I^2(%)", "ci.ub"] / 100,
    common = c(common$beta), common_se = common$se, common_low = common$ci.lb,
    common_high = common$ci.ub, q = common$QE, q_p = common$QEp,
    pi_metafor = c(predict(fit)$pi.lb, predict(fit)$pi.ub),
    pi_low = c(fit$beta) - qt(0.975, k - 2) * half,
    pi_high = c(fit$beta) + qt(0.975, k - 2) * half,
    weights = unname(weights(fit)) / 100
  )
}

parts <- function(name, data, by, formula, values, term) {
  rows <- cohorts[[data]]
  fits <- lapply(values, function(value) {
    coxph(as.formula(formula), rows[rows[[by]] == value, ],
          control = coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 60))
  })
  y <- vapply(fits, function(fit) coef(fit)[[term]], 0)
  v <- vapply(fits, function(fit) vcov(fit)[term, term], 0)
  summarise(name, data, y, v, by = by, formula = formula, term = term,
            statistic = "log_hr")
}

ranks <- function(name, data, by, formula, values, term) {
  rows <- cohorts[[data]]
  fits <- lapply(values, function(value) {
    concordance(as.formula(formula), rows[rows[[by]] == value, ], reverse = TRUE)
  })
  c <- vapply(fits, function(fit) fit$concordance, 0)
  v <- vapply(fits, function(fit) fit$var, 0)
  summarise(name, data, qlogis(c), v / (c * (1 - c))^2, by = by, formula = formula,
            term = term, statistic = "c_index")
}

cases <- list(
  summarise("heterogeneous", "none", c(0.1, 0.5, -0.2, 0.9, 0.35, 0.6),
            c(0.01, 0.04, 0.02, 0.09, 0.015, 0.03)),
  summarise("homogeneous", "none", c(0.30, 0.32, 0.29, 0.31),
            c(0.01, 0.04, 0.02, 0.09)),
  summarise("three", "none", c(0.12, 0.41, 0.77), c(0.02, 0.01, 0.05)),
  parts("size of tumour", "rotterdam", "size",
        "Surv(time, event) ~ age + nodes", levels(cohorts$rotterdam$size), "nodes"),
  parts("cell types", "veteran", "celltype", "Surv(time, event) ~ karno + age",
        levels(cohorts$veteran$celltype), "karno"),
  ranks("concordance of karno", "veteran", "celltype", "Surv(time, event) ~ karno",
        levels(cohorts$veteran$celltype), "karno")
)

write_reference("cohorts_pooled", cases)
