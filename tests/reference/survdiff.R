# Log-rank tests of R's survival package: run `Rscript tests/reference/survdiff.R` from
# the root of the project. Writes tests/reference/survdiff.json.
#
# Rows with time 0 (3 in flchain) cannot be at risk and are left out. survdiff refuses
# delayed entry; the score test of the exact partial likelihood is the same statistic.

source(file.path("tests", "reference", "cohorts.R"))

rows_of <- function(data, used) {
  rows <- cohorts[[data]]
  rows[rows$time > 0 & complete.cases(rows[used]), ]
}

test <- function(name, data, outcome, groups, strata = NULL, exact = FALSE, rho = 0,
                 weights = NULL) {
  rows <- rows_of(data, c(groups, strata))
  if (!is.null(weights)) rows <- rows[rep(seq_len(nrow(rows)), rows[[weights]]), ]
  right <- paste(groups, collapse = " + ")
  special <- if (is.null(strata)) "" else paste0(" + strata(", strata, ")")
  base <- list(
    name = name, data = data, formula = paste(outcome, "~", right), strata = strata,
    rho = rho, weights = weights, n = nrow(rows), n_events = sum(rows$event)
  )
  if (exact) {
    formula <- as.formula(paste0(outcome, " ~ factor(", groups, ")", special))
    fit <- coxph(formula, data = rows, ties = "exact")
    return(c(base, list(
      statistic = fit$score, df = length(coef(fit)),
      p_value = pchisq(fit$score, length(coef(fit)), lower.tail = FALSE)
    )))
  }
  fit <- survdiff(as.formula(paste0(outcome, " ~ ", right, special)), data = rows,
                  rho = rho)
  total <- function(values) unname(if (is.matrix(values)) rowSums(values) else values)
  c(base, list(
    statistic = fit$chisq, df = length(fit$n) - 1, p_value = fit$pvalue,
    observed = total(fit$obs), expected = total(fit$exp), cov = unname(fit$var)
  ))
}

# Tarone's test of a trend, from observed and expected events and their covariance; with
# rho = 0 it must be the score test of the exact partial likelihood.
trend <- function(name, data, outcome, groups, strata = NULL, rho = 0, scores = NULL) {
  rows <- rows_of(data, c(groups, strata))
  special <- if (is.null(strata)) "" else paste0(" + strata(", strata, ")")
  fit <- survdiff(as.formula(paste0(outcome, " ~ ", groups, special)), data = rows,
                  rho = rho)
  total <- function(values) unname(if (is.matrix(values)) rowSums(values) else values)
  levels <- sort(unique(rows[[groups]]))
  along <- if (is.null(scores)) seq_along(levels) - 1 else scores
  difference <- sum(along * (total(fit$obs) - total(fit$exp)))
  statistic <- difference^2 / drop(along %*% fit$var %*% along)
  if (rho == 0) {
    rows$.score <- along[match(rows[[groups]], levels)]
    model <- as.formula(paste0(outcome, " ~ .score", special))
    score <- coxph(model, data = rows, ties = "exact")$score
    stopifnot(abs(score / statistic - 1) < 1e-9)
  }
  list(
    name = name, data = data, formula = paste(outcome, "~", groups), strata = strata,
    rho = rho, scores = scores, trend = statistic, rises = difference > 0,
    p_value = pchisq(statistic, 1, lower.tail = FALSE)
  )
}

plain <- "Surv(time, event)"
tied <- "Surv(years, event)"
late <- "Surv(entry, time, event)"

write_reference("survdiff", list(
  test("lung by sex", "lung", plain, "sex"),
  test("lung by ecog", "lung", plain, "ph_ecog"),
  test("lung by sex and ecog", "lung", plain, c("sex", "ph_ecog")),
  test("lung, tied times", "lung", tied, "ph_ecog"),
  test("lung, strata", "lung", plain, "ph_ecog", strata = "sex"),
  test("lung, delayed entry", "lung", late, "ph_ecog", exact = TRUE),
  test("lung, delayed entry, strata", "lung", late, "ph_ecog", strata = "sex",
       exact = TRUE),
  test("veteran", "veteran", plain, "celltype"),
  test("veteran, strata", "veteran", plain, "celltype", strata = "trt"),
  test("flchain", "flchain", plain, "sex"),
  test("rotterdam", "rotterdam", plain, "size"),
  test("rotterdam, strata", "rotterdam", plain, "size", strata = "grade"),
  test("lung, rho 1", "lung", plain, "ph_ecog", rho = 1),
  test("lung, rho 1/2, tied times", "lung", tied, "ph_ecog", rho = 0.5),
  test("lung, rho 2, strata", "lung", plain, "ph_ecog", strata = "sex", rho = 2),
  test("rotterdam, rho 1, strata", "rotterdam", plain, "size", strata = "grade",
       rho = 1),
  test("lung, whole weights", "lung", plain, "ph_ecog", weights = "frequency"),
  test("lung, whole weights, rho 1, strata", "lung", tied, "ph_ecog", strata = "sex",
       weights = "frequency", rho = 1),
  trend("trend, lung", "lung", plain, "ph_ecog"),
  trend("trend, lung, tied times", "lung", tied, "ph_ecog"),
  trend("trend, lung, strata", "lung", plain, "ph_ecog", strata = "sex"),
  trend("trend, lung, rho 1", "lung", plain, "ph_ecog", rho = 1),
  trend("trend, lung, uneven scores", "lung", plain, "ph_ecog", scores = c(0, 1, 4, 9)),
  trend("trend, rotterdam", "rotterdam", plain, "size"),
  trend("trend, veteran", "veteran", plain, "celltype", scores = c(3, -1, 0.5, 2))
))
