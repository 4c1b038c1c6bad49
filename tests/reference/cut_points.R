# The best cut point of a score by R: run `Rscript tests/reference/cut_points.R` from the
# root of the project. Writes tests/reference/cut_points.json.
#
# Every candidate is a survdiff() of its own. The P value of the largest statistic is that
# of mvtnorm's pmvnorm(), with the covariance of survdiff() of the groups between
# candidates; it integrates by random points, and `error` is its own estimate of what is
# left. `maxstat` holds what that package says of the same data: its statistics are of
# log-rank scores, with their variance over permutations, so that they come close only.
# `shuffled` is a number of the row that has nothing to do with survival. Rows with time 0
# (3 in flchain) cannot be at risk and are left out.

source(file.path("tests", "reference", "cohorts.R"))
library(mvtnorm)
library(maxstat)
set.seed(20240607)

candidates <- function(score, low = 0.1, high = 0.9) {
  cuts <- unique(quantile(score, seq(low, high, length.out = 41), type = 1))
  unname(cuts[cuts < max(score)])
}

total <- function(x) if (is.matrix(x)) rowSums(x) else x

case <- function(name, data, score, strata = NULL, with_maxstat = FALSE) {
  rows <- cohorts[[data]]
  rows$shuffled <- (seq_len(nrow(rows)) * 7919) %% 1009
  rows <- rows[rows$time > 0 & complete.cases(rows[c(score, strata)]), ]
  rows$.x <- rows[[score]]
  cuts <- candidates(rows$.x)
  formula <- function(groups) {
    right <- if (is.null(strata)) groups else paste0(groups, " + strata(", strata, ")")
    as.formula(paste("Surv(time, event) ~", right))
  }
  z <- vapply(cuts, function(cut) {
    rows$.g <- as.numeric(rows$.x > cut)
    test <- survdiff(formula(".g"), data = rows)
    (total(test$obs)[2] - total(test$exp)[2]) / sqrt(test$var[2, 2])
  }, 0)
  rows$.g <- findInterval(rows$.x, cuts, left.open = TRUE)
  var <- survdiff(formula(".g"), data = rows)$var
  above <- outer(seq_along(cuts), seq_len(nrow(var)), "<") * 1
  correlation <- cov2cor(above %*% var %*% t(above))
  largest <- max(abs(z))
  p <- pmvnorm(rep(-largest, length(z)), rep(largest, length(z)), corr = correlation,
               algorithm = GenzBretz(maxpts = 2e6, abseps = 2e-5))
  other <- NULL
  if (with_maxstat) {
    found <- maxstat.test(Surv(time, event) ~ .x, data = rows, smethod = "LogRank",
                          pmethod = "exactGauss", minprop = 0.1, maxprop = 0.9,
                          maxpts = 2e6, abseps = 2e-5)
    other <- list(cut = unname(found$estimate), statistic = unname(found$statistic),
                  p_value = found$p.value)
  }
  list(
    name = name, data = data, formula = paste("Surv(time, event) ~", score),
    strata = strata, cuts = cuts, z = unname(z), cut = cuts[which.max(abs(z))],
    p_adjusted = 1 - as.numeric(p), error = attr(p, "error"), maxstat = other
  )
}

write_reference("cut_points", list(
  case("lung, age", "lung", "age", with_maxstat = TRUE),
  case("veteran, karno", "veteran", "karno", with_maxstat = TRUE),
  case("veteran, age within cell types", "veteran", "age", strata = "celltype"),
  case("rotterdam, age", "rotterdam", "age"),
  case("flchain, a number without meaning", "flchain", "shuffled")
))
