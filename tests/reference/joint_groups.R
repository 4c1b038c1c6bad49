# Joint groups of two scores, by R's survival package: run
# `Rscript tests/reference/joint_groups.R` from the root of the project. Writes
# tests/reference/joint_groups.json.
#
# Cut points are type-7 quantiles of the rows used; a value equal to a cut point belongs
# to the lower group. Cells are listed with the second score changing fastest.

source(file.path("tests", "reference", "cohorts.R"))

control <- coxph.control(eps = 1e-12, iter.max = 100, toler.chol = 1e-13)

cut_at <- function(x, g) {
  cuts <- quantile(x, seq_len(g - 1) / g, names = FALSE)
  findInterval(x, cuts, left.open = TRUE) + 1
}

joint <- function(name, data, scores, covariates, g, ties = "efron") {
  rows <- cohorts[[data]]
  rows <- rows[rows$time > 0 & complete.cases(rows[c(scores, covariates)]), ]
  a <- cut_at(rows[[scores[1]]], g)
  b <- cut_at(rows[[scores[2]]], g)
  rows$cell <- factor((a - 1) * g + b)
  rows$a <- factor(a)
  rows$b <- factor(b)
  rows$x <- rows[[scores[1]]]
  rows$y <- rows[[scores[2]]]
  fit <- function(right) {
    right <- paste(c(if (length(covariates)) covariates else "1", right), collapse = "+")
    coxph(as.formula(paste("Surv(time, event) ~", right)), data = rows, ties = ties,
          control = control)
  }
  cells <- fit("cell")
  at <- grep("^cell", names(coef(cells)))
  beta <- coef(cells)[at]
  cov <- vcov(cells)[at, at]
  corner <- c(g * g, (g - 1) * g + 1, g) - 1
  b3 <- beta[corner]
  v3 <- cov[corner, corner]
  slope <- c(1, -1, -1) * exp(b3)
  both <- fit(c("x", "y"))
  product <- fit(c("x", "y", "x:y"))
  effect <- function(model, term) {
    list(estimate = unname(coef(model)[term]), std_error = sqrt(vcov(model)[term, term]))
  }
  list(
    name = name, data = data, scores = scores, g = g, ties = ties,
    formula = paste("Surv(time, event) ~",
                    paste(c("1", covariates), collapse = " + ")),
    n = nrow(rows), n_events = sum(rows$event),
    cell_n = as.vector(table(rows$cell)),
    cell_events = as.vector(tapply(rows$event, rows$cell, sum)),
    log_hr = unname(beta), std_error = unname(sqrt(diag(cov))),
    reri = sum(slope) + 1,
    reri_std_error = sqrt(c(slope %*% v3 %*% slope)),
    log_hr_ratio = sum(c(1, -1, -1) * b3),
    log_hr_ratio_std_error = sqrt(c(c(1, -1, -1) %*% v3 %*% c(1, -1, -1))),
    groups_chi2 = 2 * (cells$loglik[2] - fit(c("a", "b"))$loglik[2]),
    alone = list(effect(fit("x"), "x"), effect(fit("y"), "y")),
    together = list(effect(both, "x"), effect(both, "y")),
    spread = c(sd(rows$x), sd(rows$y)),
    product_chi2 = 2 * (product$loglik[2] - both$loglik[2])
  )
}

write_reference("joint_groups", list(
  joint("rotterdam, halves", "rotterdam", c("nodes", "age"), "meno", 2),
  joint("rotterdam, quarters", "rotterdam", c("pgr", "age"), character(0), 4),
  joint("flchain, halves, Breslow", "flchain", c("light_chain", "age"), "creatinine", 2,
        ties = "breslow"),
  joint("lung, thirds", "lung", c("meal_cal", "age"), "sex", 3)
))
