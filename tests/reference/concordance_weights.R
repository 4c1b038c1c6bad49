# Concordance with weights in time and truncation: run
# `Rscript tests/reference/concordance_weights.R` from the root of the project. Writes
# tests/reference/concordance_weights.json.
#
# Scores rise with risk, so reverse = TRUE. The covariance of several scores is the cross
# product of the `dfbeta` of each, which takes the weights in time as known. `tau` is
# `ymax`: an event at that very time counts, as the cases at an event time show.
#
# With delayed entry survival 3.5 crashes for all weights but "n" (it hands the two
# orders of the rows to its C code in exchanged places), and strata with one event get
# weight 1 whatever was asked for; neither is among the cases.

source(file.path("tests", "reference", "cohorts.R"))

case <- function(name, data, outcome, scores, time_weight, tau = NULL, strata = NULL,
                 weights = NULL, cluster = NULL) {
  rows <- cohorts[[data]]
  rows <- rows[rows$time > 0 & complete.cases(rows[c(scores, strata, weights, cluster)]), ]
  rows$.weight <- if (is.null(weights)) rep(1, nrow(rows)) else rows[[weights]]
  rows$.cluster <- if (is.null(cluster)) seq_len(nrow(rows)) else rows[[cluster]]
  special <- if (is.null(strata)) "" else paste0(" + strata(", strata, ")")
  alone <- lapply(scores, function(score) {
    given <- list(
      as.formula(paste0(outcome, " ~ ", score, special)), data = rows,
      weights = rows$.weight, cluster = rows$.cluster, influence = 1, reverse = TRUE,
      keepstrata = FALSE, timewt = time_weight
    )
    if (!is.null(tau)) given$ymax <- tau
    do.call(concordance, given)
  })
  list(
    name = name, data = data,
    formula = paste(outcome, "~", paste(scores, collapse = " + ")),
    time_weight = time_weight, tau = tau,
    strata = strata, weights = weights, cluster = cluster, terms = scores,
    c_index = vapply(alone, function(fit) fit$concordance, 0),
    cov = unname(crossprod(sapply(alone, function(fit) fit$dfbeta))),
    counts = lapply(alone, function(fit) unname(fit$count))
  )
}

plain <- "Surv(time, event)"
tied <- "Surv(years, event)"
late <- "Surv(entry, time, event)"
pair <- c("age", "ph_ecog")

cases <- list()
for (weight in c("n", "S", "S/G", "n/G2", "I")) {
  cases <- c(cases, list(
    case(paste("lung,", weight), "lung", plain, pair, weight),
    # 310 is the time of an event, 311 is not.
    case(paste("lung to an event,", weight), "lung", plain, pair, weight, tau = 310),
    case(paste("lung to just before it,", weight), "lung", plain, pair, weight,
         tau = 309),
    case(paste("lung in strata and clusters,", weight), "lung", plain, pair, weight,
         tau = 500, strata = "sex", weights = "weight", cluster = "inst"),
    case(paste("flchain, tied times,", weight), "flchain", tied,
         c("age", "light_chain"), weight, tau = 10),
    case(paste("flchain,", weight), "flchain", plain, c("age", "light_chain"), weight,
         tau = 4000, weights = "frequency"),
    case(paste("rotterdam,", weight), "rotterdam", plain, c("nodes", "age"), weight,
         tau = 3653)
  ))
}
cases <- c(cases, list(
  case("lung, delayed entry to 310", "lung", late, pair, "n", tau = 310),
  case("rotterdam, delayed entry to ten years", "rotterdam", late, c("nodes", "age"), "n",
       tau = 3653, strata = "size", weights = "weight")
))
stopifnot(310 %in% lung_days$time[lung_days$event == 1])
write_reference("concordance_weights", cases)
