# Log-rank tests of R's survival package: run `Rscript tests/reference/survdiff.R` from
# the root of the project. Writes tests/reference/survdiff.json.
#
# Rows with time 0 (3 in flchain) cannot be at risk and are left out. survdiff refuses
# delayed entry; the score test of the exact partial likelihood is the same statistic.

source(file.path("tests", "reference", "cohorts.R"))

test <- function(name, data, outcome, groups, strata = NULL, exact = FALSE) {
  rows <- cohorts[[data]]
  rows <- rows[rows$time > 0 & complete.cases(rows[c(groups, strata)]), ]
  right <- paste(groups, collapse = " + ")
  special <- if (is.null(strata)) "" else paste0(" + strata(", strata, ")")
  base <- list(
    name = name, data = data, formula = paste(outcome, "~", right), strata = strata,
    n = nrow(rows), n_events = sum(rows$event)
  )
  if (exact) {
    formula <- as.formula(paste0(outcome, " ~ factor(", groups, ")", special))
    fit <- coxph(formula, data = rows, ties = "exact")
    return(c(base, list(
      statistic = fit$score, df = length(coef(fit)),
      p_value = pchisq(fit$score, length(coef(fit)), lower.tail = FALSE)
    )))
  }
  fit <- survdiff(as.formula(paste0(outcome, " ~ ", right, special)), data = rows)
  total <- function(values) unname(if (is.matrix(values)) rowSums(values) else values)
  c(base, list(
    statistic = fit$chisq, df = length(fit$n) - 1, p_value = fit$pvalue,
    observed = total(fit$obs), expected = total(fit$exp), cov = unname(fit$var)
  ))
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
  test("rotterdam, strata", "rotterdam", plain, "size", strata = "grade")
))
