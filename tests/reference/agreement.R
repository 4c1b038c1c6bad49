# Agreement of two measurements by irr, psych, vcd, epiR and base R: run
# `Rscript tests/reference/agreement.R` from the root of the project. Writes
# tests/reference/agreement.json, with the data.
#
# Sleep has ten people under two drugs; lung the Karnofsky score as doctors and as
# patients rate it, by sex. Limits of agreement have exact intervals; quantiles of the
# noncentral t are those of an integral, because qt() warns of lost digits. Standard errors
# of the limits are those that blandr takes (Bland and Altman 1999).

source(file.path("tests", "reference", "cohorts.R"))
suppressMessages({
  library(irr)
  library(psych)
  library(vcd)
  library(epiR)
})

alpha <- 0.05
noncentral_quantile <- function(p, df, ncp) {
  below <- function(t) {
    density <- function(v) pnorm(t * sqrt(v / df) - ncp) * dchisq(v, df)
    from <- qchisq(1e-18, df)
    to <- qchisq(1e-18, df, lower.tail = FALSE)
    integrate(density, from, df, rel.tol = 1e-13, subdivisions = 1000)$value +
      integrate(density, df, to, rel.tol = 1e-13, subdivisions = 1000)$value
  }
  uniroot(function(t) below(t) - p, ncp * c(0.2, 5), tol = 1e-13)$root
}

interval <- function(estimate, low, high) {
  list(estimate = unname(estimate), conf_low = unname(low), conf_high = unname(high))
}

icc_of <- function(pairs, type) {
  found <- icc(pairs, model = "twoway", type = type, unit = "single")
  row <- if (type == "agreement") "ICC2" else "ICC3"
  other <- suppressMessages(psych::ICC(pairs, lmer = FALSE))$results
  other <- other[other$type == row, ]
  stopifnot(
    abs(found$value - other$ICC) < 1e-12,
    abs(found$lbound - other$`lower bound`) < 1e-10,
    abs(found$ubound - other$`upper bound`) < 1e-10
  )
  interval(found$value, found$lbound, found$ubound)
}

kappa_of <- function(one, two, levels, weights) {
  one <- factor(one, levels = levels)
  two <- factor(two, levels = levels)
  found <- kappa2(
    data.frame(one, two), weight = if (weights == "linear") "equal" else "squared"
  )
  spacing <- if (weights == "linear") "Equal-Spacing" else "Fleiss-Cohen"
  other <- vcd::Kappa(table(one, two), weights = spacing)$Weighted
  stopifnot(abs(found$value - other[["value"]]) < 1e-12)
  list(estimate = found$value, std_error = other[["ASE"]])
}

agree <- function(name, first, second, margin, moved, cuts, group = NULL) {
  change <- second - first
  n <- length(change)
  sd_change <- sd(change)
  away <- qnorm(0.975)
  factors <- sapply(
    c(alpha / 2, 1 - alpha / 2), noncentral_quantile, n - 1, away * sqrt(n)
  ) / sqrt(n)
  se_of_limits <- sd_change * sqrt(1 / n + away^2 / (2 * (n - 1)))
  mean_change <- t.test(second, first, paired = TRUE)
  spread <- function(root, df) {
    interval(root, root * sqrt(df / qchisq(1 - alpha / 2, df)),
             root * sqrt(df / qchisq(alpha / 2, df)))
  }
  within <- spread(sqrt(sum(change^2) / (2 * n)), n)
  r <- cor.test(first, second)
  concordance <- epi.ccc(first, second, ci = "z-transform", rep.measure = FALSE)$rho.c
  moves <- sum(abs(change) > moved)
  wilson <- prop.test(moves, n, correct = FALSE)
  groups <- c(-Inf, cuts, Inf)
  one <- as.integer(cut(first, groups))
  two <- as.integer(cut(second, groups))
  levels <- seq_len(length(cuts) + 1)
  below <- t.test(change, mu = -margin, alternative = "greater")
  above <- t.test(change, mu = margin, alternative = "less")
  inner <- t.test(change, conf.level = 1 - 2 * alpha)$conf.int
  list(
    name = name, data = name, first = first, second = second, margin = margin, moved = moved,
    cuts = as.list(cuts), group = group,
    estimates = list(
      mean_change = c(
        interval(mean_change$estimate, mean_change$conf.int[1], mean_change$conf.int[2]),
        std_error = mean_change$stderr
      ),
      sd_change = spread(sd_change, n - 1),
      loa_low = c(
        interval(mean(change) - away * sd_change, mean(change) - factors[2] * sd_change,
                 mean(change) - factors[1] * sd_change),
        std_error = se_of_limits
      ),
      loa_high = c(
        interval(mean(change) + away * sd_change, mean(change) + factors[1] * sd_change,
                 mean(change) + factors[2] * sd_change),
        std_error = se_of_limits
      ),
      repeatability = lapply(within, function(x) away * sqrt(2) * x),
      icc_2_1 = icc_of(cbind(first, second), "agreement"),
      icc_3_1 = icc_of(cbind(first, second), "consistency"),
      pearson = interval(r$estimate, r$conf.int[1], r$conf.int[2]),
      ccc = interval(concordance$est, concordance$lower, concordance$upper),
      share_moved = interval(moves / n, wilson$conf.int[1], wilson$conf.int[2]),
      share_changed_quantile = list(estimate = mean(one != two)),
      kappa_linear = kappa_of(one, two, levels, "linear"),
      kappa_quadratic = kappa_of(one, two, levels, "quadratic")
    ),
    equivalence = list(
      p_value = max(below$p.value, above$p.value), conf_low = inner[1],
      conf_high = inner[2]
    ),
    welch = if (is.null(group)) NULL else {
      test <- oneway.test(change ~ group)
      list(statistic = unname(test$statistic), df = unname(test$parameter[1]),
           df_residual = unname(test$parameter[2]), p_value = test$p.value)
    }
  )
}

drugs <- split(sleep$extra, sleep$group)
rated <- subset(cohorts$lung, !is.na(ph_karno) & !is.na(pat_karno))
write_reference("agreement", list(
  agree("sleep", drugs[[1]], drugs[[2]], margin = 2.5, moved = 0.95, cuts = c(0, 1, 2)),
  agree("lung", rated$ph_karno, rated$pat_karno, margin = 3, moved = 10,
        cuts = c(60, 70, 80, 90), group = rated$sex)
))
