# Exact ties, offsets and ridge penalties of R's survival package: run
# `Rscript tests/reference/cox_options.R` from the root of the project. Writes
# tests/reference/cox_options.json.
#
# `known` is an offset and `quarters` are tied times, made by integer arithmetic (with
# years in place of quarters R's exact likelihood overflows). Every model is fitted twice, the second
# time from the first solution. A ridge penalty is on all columns of the model matrix of
# the complete rows, because R would scale it by rows that are left out later.

source(file.path("tests", "reference", "cohorts.R"))

control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 100)

with_known <- function(rows) {
  rows$known <- (seq_len(nrow(rows)) %% 9) / 8
  rows$quarters <- rows$time %/% 91 + 1
  rows[rows$time > 0, ]
}

fitted_twice <- function(arguments) {
  first <- do.call(coxph, arguments)
  fit <- do.call(coxph, c(arguments, list(init = first$coefficients)))
  stopifnot(max(abs(fit$coefficients / first$coefficients - 1)) < 1e-7)
  list(first = first, fit = fit)
}

case <- function(name, data, formula, ties = "efron", strata = NULL, weights = NULL,
                 cluster = NULL, offset = NULL) {
  rows <- with_known(cohorts[[data]])
  rhs <- gsub("\\bC\\(", "factor(", formula)
  if (!is.null(strata)) rhs <- paste0(rhs, " + strata(", strata, ")")
  if (!is.null(offset)) rhs <- paste0(rhs, " + offset(", offset, ")")
  arguments <- list(formula = as.formula(rhs), data = rows, ties = ties,
                    control = control, x = TRUE)
  if (!is.null(weights)) arguments$weights <- rows[[weights]]
  if (!is.null(cluster)) arguments$cluster <- rows[[cluster]]
  both <- fitted_twice(arguments)
  fit <- both$fit
  list(
    name = name, data = data, formula = formula, ties = ties, strata = strata,
    weights = weights, cluster = cluster, offset = offset, n = fit$n,
    n_events = fit$nevent, coef = unname(fit$coefficients),
    std_error = unname(sqrt(diag(fit$var))), cov = unname(fit$var),
    log_likelihood_null = both$first$loglik[1], log_likelihood = fit$loglik[2],
    score_statistic = both$first$score,
    linear_predictor = as.vector(head(fit$linear.predictors, 5)),
    c_index = unname(fit$concordance["concordance"]),
    c_index_std_error = unname(fit$concordance["std"])
  )
}

ridge_case <- function(name, data, formula, theta, ties = "efron", weights = NULL,
                       strata = NULL, cluster = NULL) {
  rows <- with_known(cohorts[[data]])
  used <- c(all.vars(as.formula(formula)), weights, strata, cluster)
  rows <- rows[complete.cases(rows[used]), ]
  parsed <- as.formula(gsub("\\bC\\(", "factor(", formula))
  X <- model.matrix(parsed, rows)[, -1, drop = FALSE]
  outcome <- model.response(model.frame(parsed, rows))
  group <- if (is.null(strata)) rep(1, nrow(X)) else rows[[strata]]
  arguments <- list(outcome ~ ridge(X, theta = theta) + strata(group), ties = ties,
                    control = control)
  if (!is.null(weights)) arguments$weights <- rows[[weights]]
  if (!is.null(cluster)) arguments$cluster <- rows[[cluster]]
  environment(arguments[[1]]) <- environment()
  fit <- do.call(coxph, arguments)
  list(
    name = name, data = data, formula = formula, theta = theta, ties = ties,
    weights = weights, strata = strata, cluster = cluster, n = fit$n,
    coef = unname(coef(fit)),
    cov = unname(fit$var), sampling_cov = unname(fit$var2), df = sum(fit$df),
    log_likelihood_null = fit$loglik[1], log_likelihood = fit$loglik[2],
    aic = extractAIC(fit)[2]
  )
}

lung_model <- "~ age + C(sex) + ph_ecog"
on <- function(outcome, rhs) paste0("Surv(", outcome, ") ", rhs)

cases <- list(
  case("exact lung", "lung", on("time, event", lung_model), ties = "exact"),
  case("exact lung years", "lung", on("years, event", lung_model), ties = "exact"),
  case("exact lung years strata", "lung", on("years, event", "~ age + ph_ecog"),
       ties = "exact", strata = "sex"),
  case("exact lung years offset", "lung", on("years, event", lung_model),
       ties = "exact", offset = "known"),
  case("exact lung entry", "lung", on("entry, time, event", lung_model),
       ties = "exact"),
  case("exact veteran entry strata offset", "veteran",
       on("entry, time, event", "~ karno + age"), ties = "exact",
       strata = "celltype", offset = "known"),
  case("exact rotterdam quarters", "rotterdam",
       on("quarters, event", "~ age + C(size) + nodes"), ties = "exact"),
  case("offset lung", "lung", on("time, event", lung_model), offset = "known"),
  case("offset lung breslow years", "lung", on("years, event", lung_model),
       ties = "breslow", offset = "known"),
  case("offset lung entry strata weights", "lung",
       on("entry, time, event", "~ age + ph_ecog"), strata = "sex",
       weights = "frequency", offset = "known"),
  case("offset lung cluster", "lung", on("time, event", lung_model),
       cluster = "inst", offset = "known"),
  case("offset flchain", "flchain", on("time, event", "~ age + C(sex) + light_chain"),
       offset = "known"),
  ridge_case("ridge lung", "lung", on("time, event", lung_model), 10),
  ridge_case("ridge lung small", "lung", on("years, event", lung_model), 0.1),
  ridge_case("ridge lung breslow strata", "lung", on("time, event", "~ age + ph_ecog"),
             25, ties = "breslow", strata = "sex"),
  ridge_case("ridge lung cluster", "lung", on("time, event", lung_model), 20,
             cluster = "inst"),
  ridge_case("ridge veteran weights", "veteran",
             on("time, event", "~ karno + C(celltype) + age"), 50,
             weights = "frequency"),
  ridge_case("ridge rotterdam entry", "rotterdam",
             on("entry, time, event", "~ age + C(size) + nodes + pgr"), 200)
)

write_reference("cox_options", cases)
