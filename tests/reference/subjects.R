# Curves of rows that are intervals of subjects, from R's survival package: run
# `Rscript tests/reference/subjects.R` from the root of the project. Writes
# tests/reference/subjects.json.
#
# Every group is fitted alone: with several curves, delayed entry and an id, survival 3.5
# gives survival other standard errors than the groups have by themselves.
# With weights the standard error of the restricted mean is the infinitesimal
# jackknife's, summed within subjects. `late_entry` starts the first interval of a subject late, and
# `cause` is the type of an event; tests/survival/test_subjects.py repeats them.

source(file.path("tests", "reference", "cohorts.R"))

rows <- cohorts$lung_split
rows$late_entry <- ifelse(
  rows$entry == 0, (rows$time * (rows$subject %% 4)) %/% 8, rows$entry
)
rows$cause <- 1 + (rows$subject %% 3 == 2)
rows$state <- factor(rows$event * rows$cause, 0:2, c("none", "1", "2"))
times <- c(60, 180, 365, 600)
tau <- 600

case <- function(entry, weights = NULL) {
  parts <- lapply(1:2, function(sex) {
    part <- rows[rows$sex == sex, ]
    part$.entry <- part[[entry]]
    part$.weight <- if (is.null(weights)) 1 else part[[weights]]
    given <- list(formula = Surv(.entry, time, event) ~ 1, data = part,
                  weights = part$.weight)
    fit <- do.call(survfit, c(given, list(id = part$subject)))
    at <- summary(fit, times = times)
    shown <- summary(fit, rmean = tau)$table
    mean_std_error <- unname(shown["se(rmean)"])
    if (!is.null(weights)) {
      by_row <- do.call(survfit, given)
      influence <- residuals(by_row, times = tau, type = "rmst", weighted = TRUE)
      mean_std_error <- sqrt(sum(rowsum(c(influence), part$subject)^2))
    }
    states <- survfit(Surv(.entry, time, state) ~ 1, data = part, weights = .weight,
                      id = subject)
    by_cause <- summary(states, times = times)
    causes <- match(c("1", "2"), states$states)
    list(
      survival = at$surv, std_error = at$std.err,
      mean = unname(shown["rmean"]), mean_std_error = mean_std_error,
      incidence = lapply(causes, function(k) by_cause$pstate[, k]),
      incidence_std_error = lapply(causes, function(k) by_cause$std.err[, k])
    )
  })
  list(
    name = paste(entry, if (is.null(weights)) "no weights" else weights, sep = ", "),
    data = "lung_split", entry = entry, weights = weights, times = times, tau = tau,
    groups = parts
  )
}

write_reference("subjects", list(
  case("entry"),
  case("entry", "weight"),
  case("late_entry"),
  case("late_entry", "weight")
))
