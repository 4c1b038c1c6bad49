# AUC, Brier score and index of prediction accuracy of R's riskRegression: run
# `Rscript tests/reference/horizons.R` from the root of the project. Writes
# tests/reference/horizons.json.
#
# The predicted risks are made by whole-number arithmetic over powers of two, which
# tests/survival/test_discrimination.py repeats. With `untie`, a fraction of a day that
# differs for each row is added to the times, so that none tie: where events and censored
# rows tie, the package has events at risk of censoring in the variance, though not in
# the weights, and its standard errors are compared with a twin that does the same.

suppressMessages(library(riskRegression))
source(file.path("tests", "reference", "cohorts.R"))

with_risks <- function(data, untie) {
  rows <- cohorts[[data]]
  number <- seq_len(nrow(rows))
  if (data == "lung") {
    rows$first <- (rows$age - 32) / 64
    rows$second <- (4 * rows$ph_ecog + 3) / 16
  } else if (data == "rotterdam") {
    rows$first <- pmin(rows$nodes + 2, 30) / 32
    rows$second <- (rows$age - 16) / 128
  } else {
    rows$first <- (rows$age - 45) / 64
    rows$second <- pmin(rows$light_chain, 16000) / 16384
  }
  if (untie > 0) rows$time <- rows$time + number / untie
  rows
}

case <- function(name, data, horizons, untie = 0, tied_time = "time") {
  rows <- with_risks(data, untie)
  rows$time <- rows[[tied_time]]
  rows <- rows[rows$time > 0 & complete.cases(rows[c("first", "second")]), ]
  found <- Score(
    list(first = rows$first, second = rows$second),
    formula = Surv(time, event) ~ 1, data = rows, times = horizons,
    metrics = c("auc", "brier"), summary = "ipa", se.fit = TRUE, conservative = FALSE,
    cens.model = "km", null.model = TRUE
  )
  by_time <- function(table, column) {
    lapply(horizons, function(t) as.vector(table[table$times == t, ][[column]]))
  }
  auc <- as.data.frame(found$AUC$score)
  delta <- as.data.frame(found$AUC$contrasts)
  brier <- as.data.frame(found$Brier$score)
  differences <- as.data.frame(found$Brier$contrasts)
  list(
    name = name, data = data, untie = untie, time = tied_time,
    package = paste("riskRegression", packageVersion("riskRegression")),
    horizons = I(horizons), n = nrow(rows),
    auc = by_time(auc, "AUC"), auc_std_error = by_time(auc, "se"),
    delta_auc = I(delta$delta.AUC), delta_auc_std_error = I(delta$se),
    delta_auc_p = I(delta$p),
    brier = by_time(brier, "Brier"), brier_std_error = by_time(brier, "se"),
    ipa = by_time(brier, "IPA"),
    # first - null model, second - null model, second - first
    delta_brier = by_time(differences, "delta.Brier"),
    delta_brier_std_error = by_time(differences, "se"),
    delta_brier_p = by_time(differences, "p")
  )
}

write_reference("horizons", list(
  case("lung, no ties", "lung", c(180, 365, 700), untie = 256),
  case("rotterdam, no ties", "rotterdam", c(1826, 3652), untie = 4096),
  case("flchain, no ties", "flchain", c(1826.5, 3652.5), untie = 8192),
  case("lung, days", "lung", c(180, 365, 700)),
  case("lung, years", "lung", c(1, 2), tied_time = "years"),
  case("rotterdam, years", "rotterdam", c(5, 10), tied_time = "years")
))
