# Cox models of follow-up after a landmark, by R's coxph: run
# `Rscript tests/reference/landmarks.R` from the root of the project. Writes
# tests/reference/landmarks.json.
#
# `estimate` is of those who outlast the landmark, with time counted from it. `dropped` is
# of everyone but those with an event by then, with time counted from the start.

source(file.path("tests", "reference", "cohorts.R"))

control <- coxph.control(eps = 1e-12, iter.max = 50)

case <- function(name, data, right, landmark, strata = NULL) {
  rows <- cohorts[[data]]
  rows <- rows[rows$time > 0 & complete.cases(rows[c(all.vars(
    as.formula(paste("~", right))), strata)]), ]
  fitted <- if (is.null(strata)) right else paste0(right, " + strata(", strata, ")")
  late <- rows[rows$time > landmark, ]
  late$time <- late$time - landmark
  of <- as.formula(paste("Surv(time, event) ~", fitted))
  fit <- coxph(of, data = late, control = control)
  dropped <- coxph(of, data = rows[!(rows$event == 1 & rows$time <= landmark), ],
                   control = control)
  list(
    name = name, data = data, formula = paste("Surv(time, event) ~", right),
    strata = strata, landmark = landmark, estimate = unname(coef(fit)),
    std_error = unname(sqrt(diag(vcov(fit)))), dropped = unname(coef(dropped)),
    n = fit$n, n_events = fit$nevent, n_removed = nrow(rows) - fit$n
  )
}

write_reference("landmarks", list(
  case("lung, 90 days", "lung", "age + ph_karno", 90),
  case("veteran, 30 days, strata", "veteran", "karno + age", 30, strata = "celltype"),
  case("rotterdam, two years", "rotterdam", "age + nodes", 730),
  case("flchain, five years", "flchain", "age + light_chain", 1826)
))
