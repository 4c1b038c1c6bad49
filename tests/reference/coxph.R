# Cox models of R's survival package: run `Rscript tests/reference/coxph.R` from the
# root of the project. Writes tests/reference/coxph.json.
#
# Every model is fitted twice, the second time from the first solution, so that the
# iteration ends at the maximum to machine precision; the null log-likelihood and the
# score test come from the first fit. Formulas are in the syntax of fahrstats: C() is
# R's factor(). Score residuals include the case weights. Rows with time 0 (3 in flchain)
# cannot be at risk and are left out.

source(file.path("tests", "reference", "cohorts.R"))

control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)

as_r <- function(formula) {
  as.formula(gsub("\\bC\\(", "factor(", formula))
}

ph_table <- function(fit, transform, terms) {
  table <- cox.zph(fit, transform = transform, terms = terms)$table
  list(
    term = rownames(table), statistic = unname(table[, "chisq"]),
    df = unname(table[, "df"]), p_value = unname(table[, "p"])
  )
}

case <- function(name, data, formula, ties = "efron", strata = NULL, weights = NULL,
                 cluster = NULL, covariance = "model") {
  rows <- cohorts[[data]]
  rows <- rows[rows$time > 0, ]
  rhs <- formula
  if (!is.null(strata)) rhs <- paste0(rhs, " + strata(", strata, ")")
  if (!is.null(cluster)) covariance <- "robust"
  robust <- covariance == "robust"
  arguments <- list(
    formula = as_r(rhs), data = rows, ties = ties, control = control, x = TRUE,
    robust = robust
  )
  if (!is.null(weights)) arguments$weights <- rows[[weights]]
  if (robust) {
    arguments$cluster <-
      if (is.null(cluster)) seq_len(nrow(rows)) else rows[[cluster]]
  }
  first <- do.call(coxph, arguments)
  fit <- do.call(coxph, c(arguments, list(init = coef(first))))
  stopifnot(max(abs(coef(fit) / coef(first) - 1)) < 1e-7)

  model_cov <- if (robust) fit$naive.var else fit$var
  martingale <- residuals(fit, type = "martingale")
  score <- as.matrix(residuals(fit, type = "score", weighted = TRUE))
  concordance <- fit$concordance
  list(
    name = name, data = data, formula = formula, ties = ties, strata = strata,
    weights = weights, cluster = cluster, covariance = covariance,
    n = fit$n, n_events = fit$nevent, terms = names(coef(fit)),
    coef = unname(coef(fit)),
    std_error = unname(sqrt(diag(fit$var))),
    model_std_error = unname(sqrt(diag(model_cov))),
    cov = unname(fit$var),
    log_likelihood_null = first$loglik[1], log_likelihood = fit$loglik[2],
    score_statistic = first$score,
    robust_score_statistic = first$rscore,
    wald_statistic = unname(sum(coef(fit) * solve(fit$var, coef(fit)))),
    lr_statistic = 2 * (fit$loglik[2] - first$loglik[1]),
    c_index = unname(concordance["concordance"]),
    c_index_std_error = unname(concordance["std"]),
    pairs = as.list(concordance[1:5]),
    martingale = unname(head(martingale, 5)),
    martingale_sum_of_squares = sum(martingale^2),
    score_residuals = unname(head(score, 3)),
    score_sum_of_squares = unname(colSums(score^2)),
    ph_test = lapply(
      c(km = "km", identity = "identity", rank = "rank", log = "log"),
      function(transform) ph_table(first, transform, terms = TRUE)
    ),
    ph_test_by_coefficient = ph_table(first, "km", terms = FALSE)
  )
}

lung_model <- "Surv(time, event) ~ age + C(sex) + ph_ecog"
veteran_model <- "Surv(time, event) ~ karno + C(celltype) + age"
flchain_model <- "Surv(time, event) ~ age + C(sex) + light_chain"
rotterdam_model <- "Surv(time, event) ~ age + C(size) + nodes + C(grade) + pgr"

cases <- list(
  case("lung efron", "lung", lung_model),
  case("lung breslow", "lung", lung_model, ties = "breslow"),
  case("lung with missing values", "lung",
       "Surv(time, event) ~ age + C(sex) + ph_karno + meal_cal + wt_loss"),
  case("lung robust", "lung", lung_model, covariance = "robust"),
  case("lung breslow robust", "lung", lung_model, ties = "breslow",
       covariance = "robust"),
  case("lung strata", "lung", "Surv(time, event) ~ age + ph_ecog", strata = "sex"),
  case("lung strata robust", "lung", "Surv(time, event) ~ age + ph_ecog",
       strata = "sex", covariance = "robust"),
  case("lung cluster", "lung", lung_model, cluster = "inst"),
  case("lung cluster and strata", "lung", "Surv(time, event) ~ age + ph_ecog",
       strata = "sex", cluster = "inst"),
  case("lung frequencies", "lung", lung_model, weights = "frequency"),
  case("lung frequencies breslow", "lung", lung_model, weights = "frequency",
       ties = "breslow"),
  case("lung weights robust", "lung", lung_model, weights = "weight",
       covariance = "robust"),
  case("lung weights breslow robust", "lung", lung_model, weights = "weight",
       ties = "breslow", covariance = "robust"),
  case("lung weights strata cluster", "lung", "Surv(time, event) ~ age + ph_ecog",
       weights = "weight", strata = "sex", cluster = "inst"),
  case("lung entry", "lung", "Surv(entry, time, event) ~ age + C(sex) + ph_ecog"),
  case("lung entry breslow robust", "lung",
       "Surv(entry, time, event) ~ age + C(sex) + ph_ecog", ties = "breslow",
       covariance = "robust"),
  case("lung entry weights strata cluster", "lung",
       "Surv(entry, time, event) ~ age + ph_ecog", weights = "weight",
       strata = "sex", cluster = "inst"),
  case("lung entry robust", "lung",
       "Surv(entry, time, event) ~ age + C(sex) + ph_ecog", covariance = "robust"),
  case("lung years", "lung", "Surv(years, event) ~ age + C(sex) + ph_ecog",
       covariance = "robust"),
  case("lung years breslow", "lung", "Surv(years, event) ~ age + C(sex) + ph_ecog",
       ties = "breslow", covariance = "robust"),
  case("lung interaction", "lung", "Surv(time, event) ~ age * C(sex) + ph_ecog"),
  case("lung split", "lung_split",
       "Surv(entry, time, event) ~ age + C(sex) + ph_ecog", cluster = "subject"),
  case("lung split late effect", "lung_split",
       "Surv(entry, time, event) ~ age + C(sex) + ph_ecog + late:ph_ecog",
       cluster = "subject"),
  case("veteran efron", "veteran", veteran_model),
  case("veteran breslow", "veteran", veteran_model, ties = "breslow"),
  case("veteran strata", "veteran", "Surv(time, event) ~ karno + age + C(prior)",
       strata = "celltype"),
  case("veteran entry strata robust", "veteran",
       "Surv(entry, time, event) ~ karno + age + C(prior)", strata = "celltype",
       covariance = "robust"),
  case("veteran weights entry", "veteran",
       "Surv(entry, time, event) ~ karno + C(celltype) + age", weights = "weight",
       covariance = "robust"),
  case("veteran log time since diagnosis", "veteran",
       "Surv(time, event) ~ log(diagtime) + karno"),
  case("flchain efron", "flchain", flchain_model),
  case("flchain breslow", "flchain", flchain_model, ties = "breslow"),
  case("flchain with missing creatinine", "flchain",
       "Surv(time, event) ~ age + C(sex) + light_chain + creatinine"),
  case("flchain cluster", "flchain", flchain_model, cluster = "flc_grp"),
  case("flchain strata robust", "flchain", "Surv(time, event) ~ age + light_chain",
       strata = "sex", covariance = "robust"),
  case("flchain entry", "flchain",
       "Surv(entry, time, event) ~ age + C(sex) + light_chain",
       covariance = "robust"),
  case("flchain years efron", "flchain",
       "Surv(years, event) ~ age + C(sex) + light_chain", covariance = "robust"),
  case("flchain years breslow", "flchain",
       "Surv(years, event) ~ age + C(sex) + light_chain", ties = "breslow",
       covariance = "robust"),
  case("flchain years weights strata cluster", "flchain",
       "Surv(years, event) ~ age + light_chain", weights = "weight", strata = "sex",
       cluster = "flc_grp"),
  case("rotterdam efron", "rotterdam", rotterdam_model),
  case("rotterdam robust", "rotterdam", rotterdam_model, covariance = "robust"),
  case("rotterdam breslow strata", "rotterdam",
       "Surv(time, event) ~ age + nodes + C(size)", ties = "breslow",
       strata = "grade"),
  case("rotterdam weights cluster", "rotterdam", rotterdam_model,
       weights = "weight", cluster = "year"),
  case("rotterdam frequencies entry", "rotterdam",
       "Surv(entry, time, event) ~ age + C(size) + nodes", weights = "frequency"),
  case("rotterdam years robust", "rotterdam",
       "Surv(years, event) ~ age + C(size) + nodes", covariance = "robust"),
  case("rotterdam recurrence", "rotterdam_recurrence",
       "Surv(entry, time, event) ~ age + nodes + recurred", cluster = "subject"),
  case("rotterdam recurrence breslow strata", "rotterdam_recurrence",
       "Surv(entry, time, event) ~ age + nodes + recurred", ties = "breslow",
       strata = "grade", cluster = "subject")
)

write_reference("coxph", cases)
