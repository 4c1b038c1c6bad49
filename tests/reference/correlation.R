# Correlations of base R: run `Rscript tests/reference/correlation.R` from the root of
# the project. Writes tests/reference/correlation.json.
#
# Partial correlations are those of residuals of lm(), of the values or of their ranks;
# Fisher's interval of a partial correlation loses a row for every covariate.

source(file.path("tests", "reference", "cohorts.R"))

correlate <- function(name, data, scores, adjust = NULL, kind = "pearson") {
  rows <- cohorts[[data]]
  rows <- rows[complete.cases(rows[c(scores, adjust)]), ]
  n <- nrow(rows)
  given <- as.data.frame(lapply(rows[adjust], as.double))
  x <- rows[[scores[1]]]
  y <- rows[[scores[2]]]
  if (kind == "spearman") {
    x <- rank(x)
    y <- rank(y)
    given <- as.data.frame(lapply(given, rank))
  }
  k <- length(adjust)
  if (k) {
    x <- resid(lm(x ~ ., data = cbind(x = x, given)))
    y <- resid(lm(y ~ ., data = cbind(y = y, given)))
  }
  r <- cor(x, y)
  se <- sqrt((if (kind == "spearman") 1 + r^2 / 2 else 1) / (n - 3 - k))
  limits <- tanh(atanh(r) + c(-1, 1) * qnorm(0.975) * se)
  statistic <- r * sqrt((n - 2 - k) / (1 - r^2))
  p <- 2 * pt(-abs(statistic), n - 2 - k)
  if (!k) {
    test <- suppressWarnings(cor.test(
      rows[[scores[1]]], rows[[scores[2]]], method = kind, exact = FALSE
    ))
    stopifnot(abs(test$estimate - r) < 1e-12, abs(test$p.value / p - 1) < 1e-6)
    if (kind == "pearson") {
      limits <- as.vector(test$conf.int)
      statistic <- unname(test$statistic)
    }
    p <- test$p.value
  }
  list(
    name = name, data = data, scores = scores, adjust = as.list(adjust), kind = kind, n = n,
    r = r, conf_low = limits[1], conf_high = limits[2], statistic = statistic,
    p_value = p
  )
}

write_reference("correlation", list(
  correlate("lung", "lung", c("age", "meal_cal")),
  correlate("lung, ranks", "lung", c("age", "meal_cal"), kind = "spearman"),
  correlate("lung, partial", "lung", c("age", "meal_cal"), adjust = c("sex", "wt_loss")),
  correlate("lung, partial ranks", "lung", c("age", "meal_cal"),
            adjust = c("sex", "wt_loss"), kind = "spearman"),
  correlate("flchain", "flchain", c("age", "light_chain")),
  correlate("flchain, ranks", "flchain", c("creatinine", "light_chain"),
            adjust = "age", kind = "spearman")
))
