# Heterogeneity of the levels of an audit, and their best linear unbiased predictions, by
# metafor: run `Rscript tests/reference/level_heterogeneity.R` from the root of the
# project. Writes tests/reference/level_heterogeneity.json.
#
# Estimates are typed here or are log hazard ratios and logits of concordance in the levels
# of a data set. REML is iterated to 1e-13 (the default stops at 1e-5).

source(file.path("tests", "reference", "cohorts.R"))
suppressMessages(library(metafor))

summarise <- function(name, data, y, v) {
  fit <- rma(y, v, method = "REML", control = list(threshold = 1e-13, maxiter = 10000))
  list(
    name = name, data = data, y = y, s = sqrt(v), q = fit$QE, df = fit$k - fit$p,
    p = fit$QEp, tau2 = fit$tau2, i2 = fit$I2 / 100, mean = c(fit$beta),
    blup = blup(fit)$pred
  )
}

log_hr <- function(name, data, by, formula, term) {
  parts <- split(cohorts[[data]], cohorts[[data]][[by]])
  fits <- lapply(parts, function(rows) {
    coxph(as.formula(formula), rows,
          control = coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 60))
  })
  summarise(name, data, unname(sapply(fits, function(fit) coef(fit)[[term]])),
            unname(sapply(fits, function(fit) vcov(fit)[term, term])))
}

c_index <- function(name, data, by, formula) {
  parts <- split(cohorts[[data]], cohorts[[data]][[by]])
  fits <- lapply(parts, function(rows) {
    concordance(as.formula(formula), rows, reverse = TRUE)
  })
  c <- unname(sapply(fits, function(fit) fit$concordance))
  v <- unname(sapply(fits, function(fit) fit$var))
  summarise(name, data, qlogis(c), v / (c * (1 - c))^2)
}

cases <- list(
  summarise("heterogeneous", "none", c(0.1, 0.5, -0.2, 0.9, 0.35, 0.6),
            c(0.01, 0.04, 0.02, 0.09, 0.015, 0.03)),
  summarise("no variance between", "none", c(0.30, 0.32, 0.29, 0.31),
            c(0.01, 0.04, 0.02, 0.09)),
  summarise("three levels", "none", c(0.12, 0.41, 0.77), c(0.02, 0.01, 0.05)),
  log_hr("nodes by size of tumour", "rotterdam", "size",
         "Surv(time, event) ~ age + nodes", "nodes"),
  log_hr("karno by cell type", "veteran", "celltype",
         "Surv(time, event) ~ karno + age", "karno"),
  c_index("concordance of karno by cell type", "veteran", "celltype",
          "Surv(time, event) ~ karno")
)

write_reference("level_heterogeneity", cases)
