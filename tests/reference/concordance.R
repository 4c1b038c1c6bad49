# Concordance of R's survival package: run `Rscript tests/reference/concordance.R` from
# the root of the project. Writes tests/reference/concordance.json.
#
# Scores rise with risk, so reverse = TRUE. The joint covariance of several scores is the
# cross product of the `dfbeta` of each. Without weights it is checked against that of
# concordance(f1, f2, ...) for Cox models whose only covariate is the score with its
# coefficient fixed. With weights that function of survival 3.5 multiplies `dfbeta`,
# which holds the weights already, by the weights again: its diagonal then differs from
# the variance of one model alone, so the cross product is used.
#
# Rows with time 0 (3 in flchain) cannot be at risk and are left out, as are rows in which
# any of the scores is missing.

source(file.path("tests", "reference", "cohorts.R"))

case <- function(name, data, outcome, scores, strata = NULL, weights = NULL,
                 cluster = NULL) {
  rows <- cohorts[[data]]
  used <- c(scores, strata, weights, cluster)
  rows <- rows[rows$time > 0 & complete.cases(rows[used]), ]
  rows$.weight <- if (is.null(weights)) rep(1, nrow(rows)) else rows[[weights]]
  rows$.cluster <- if (is.null(cluster)) seq_len(nrow(rows)) else rows[[cluster]]
  special <- if (is.null(strata)) "" else paste0(" + strata(", strata, ")")

  alone <- lapply(scores, function(score) {
    concordance(
      as.formula(paste0(outcome, " ~ ", score, special)), data = rows,
      weights = .weight, cluster = .cluster, influence = 1, reverse = TRUE,
      keepstrata = FALSE
    )
  })
  c_index <- vapply(alone, function(fit) fit$concordance, 0)
  cov <- crossprod(sapply(alone, function(fit) fit$dfbeta))
  stopifnot(max(abs(diag(cov) / vapply(alone, function(f) f$var, 0) - 1)) < 1e-12)
  if (is.null(weights)) {
    fits <- lapply(scores, function(score) {
      coxph(
        as.formula(paste0(outcome, " ~ ", score, special)), data = rows,
        cluster = .cluster, init = 2^-12, control = coxph.control(iter.max = 0)
      )
    })
    joint <- do.call(concordance, c(fits, list(keepstrata = FALSE)))
    stopifnot(max(abs(joint$concordance / c_index - 1)) < 1e-12)
    stopifnot(max(abs(joint$var / cov - 1)) < 1e-9)
  }
  contrast <- c(1, -1, rep(0, length(scores) - 2))
  list(
    name = name, data = data,
    formula = paste(outcome, "~", paste(scores, collapse = " + ")),
    strata = strata, weights = weights, cluster = cluster,
    n = nrow(rows), n_events = sum(rows$event), terms = scores,
    c_index = c_index, cov = unname(cov),
    counts = lapply(alone, function(fit) unname(fit$count)),
    difference = sum(contrast * c_index),
    difference_std_error = sqrt(drop(contrast %*% cov %*% contrast))
  )
}

plain <- "Surv(time, event)"
tied <- "Surv(years, event)"
late <- "Surv(entry, time, event)"

write_reference("concordance", list(
  case("lung", "lung", plain, c("age", "ph_ecog", "wt_loss")),
  case("lung, tied times", "lung", tied, c("age", "ph_ecog")),
  case("lung, strata", "lung", plain, c("age", "ph_ecog"), strata = "sex"),
  case("lung, whole weights", "lung", plain, c("age", "ph_ecog"), weights = "frequency"),
  case("lung, fractional weights", "lung", plain, c("age", "ph_ecog"),
       weights = "weight"),
  case("lung, delayed entry", "lung", late, c("age", "ph_ecog")),
  case("lung, clusters", "lung", plain, c("age", "meal_cal"), cluster = "inst"),
  case("lung, intervals", "lung_split", late, c("age", "ph_ecog"), cluster = "subject"),
  case("veteran", "veteran", plain, c("karno", "age")),
  case("veteran, everything", "veteran", late, c("karno", "age", "diagtime"),
       strata = "celltype", weights = "weight", cluster = "trt"),
  case("flchain", "flchain", plain, c("age", "light_chain")),
  case("flchain, strata", "flchain", plain, c("light_chain", "kappa"), strata = "sex",
       weights = "weight"),
  case("flchain, tied times", "flchain", tied, c("age", "kappa")),
  case("rotterdam", "rotterdam", plain, c("nodes", "age", "pgr")),
  case("rotterdam, delayed entry", "rotterdam", late, c("nodes", "age"),
       strata = "size", weights = "weight"),
  case("rotterdam, recurrence", "rotterdam_recurrence", late, c("recurred", "nodes"),
       cluster = "subject")
))
