# What follows a Cox fit in R's survival package: run
# `Rscript tests/reference/cox_rows.R` from the root of the project. Writes
# tests/reference/cox_rows.json.
#
# Models are fitted twice, as in coxph.R, so that the iteration ends at the maximum.
# Residuals: the first rows and the sum of squares of each column. Predicted survival:
# two new rows at four times, in each stratum. drop1: likelihood-ratio tests. The smooth
# of scaled Schoenfeld residuals is the one that plot.cox.zph draws, by coefficient.

source(file.path("tests", "reference", "cohorts.R"))

control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)

as_r <- function(formula) as.formula(gsub("\\bC\\(", "factor(", formula))

fit_twice <- function(formula, rows, ties, weights, cluster) {
  arguments <- list(formula = as_r(formula), data = rows, ties = ties,
                    control = control, x = TRUE, y = TRUE)
  if (!is.null(weights)) {
    arguments$weights <- rows[[weights]]
    arguments$robust <- FALSE
  }
  if (!is.null(cluster)) {
    arguments$robust <- TRUE
    arguments$cluster <- rows[[cluster]]
  }
  first <- do.call(coxph, arguments)
  do.call(coxph, c(arguments, list(init = coef(first))))
}

# A deviance residual of zero is sqrt(-1e-17) in R, not a number.
shown <- function(values) {
  values <- unname(as.matrix(values))
  list(first = head(values, 4), sum_of_squares = colSums(values^2, na.rm = TRUE))
}

residual_tables <- function(fit, subject) {
  kinds <- c(martingale = "martingale", deviance = "deviance", score = "score",
             dfbeta = "dfbeta", dfbetas = "dfbetas", schoenfeld = "schoenfeld",
             scaled_schoenfeld = "scaledsch")
  tables <- lapply(kinds, function(type) shown(residuals(fit, type = type)))
  of_rows <- kinds[1:5]
  list(
    by_row = tables,
    event_time = as.numeric(head(rownames(as.matrix(residuals(fit, "schoenfeld"))), 4)),
    collapsed = if (is.null(subject)) NULL else lapply(
      of_rows, function(type) shown(residuals(fit, type = type, collapse = subject))
    )
  )
}

predicted <- function(fit, rows, strata, times) {
  new <- rows[c(1, nrow(rows)), , drop = FALSE]
  levels <- if (is.null(strata)) list(NULL) else sort(unique(rows[[strata]]))
  lapply(levels, function(level) {
    if (!is.null(strata)) new[[strata]] <- level
    lapply(1:2, function(i) {
      one <- summary(survfit(fit, newdata = new[i, ], conf.type = "log-log"),
                     times = times, extend = TRUE)
      list(level = as.character(level), survival = one$surv, std_error = one$std.err,
           low = one$lower, high = one$upper, cumulative_hazard = one$cumhaz)
    })
  })
}

# The curve and band of plot.cox.zph at five of its forty points.
smooth <- function(fit, transform) {
  test <- cox.zph(fit, transform = transform, terms = FALSE)
  grid <- seq(min(test$x), max(test$x), length = 40)
  basis <- splines::ns(c(grid, test$x), df = 4, intercept = TRUE)
  shown <- c(1, 10, 20, 30, 40)
  at <- basis[shown, , drop = FALSE]
  decomposed <- qr(basis[-(1:40), ])
  root <- backsolve(decomposed$qr[1:4, 1:4], diag(4))
  leverage <- rowSums((at %*% root)^2)
  list(shown = shown, estimate = unname(at %*% qr.coef(decomposed, test$y)),
       std_error = unname(sqrt(outer(leverage, diag(test$var)))))
}

case <- function(name, data, formula, ties = "efron", strata = NULL, weights = NULL,
                 cluster = NULL, subject = NULL, times) {
  rows <- cohorts[[data]]
  rows <- rows[rows$time > 0, ]
  covariates <- all.vars(as_r(formula))
  rows <- rows[complete.cases(rows[, c(covariates, cluster, strata)]), ]
  rhs <- if (is.null(strata)) formula else paste0(formula, " + strata(", strata, ")")
  fit <- fit_twice(rhs, rows, ties, weights, cluster)
  vcov <- fit$var
  p <- length(coef(fit))
  weights_of <- seq_len(p) / 2 - 1
  two <- 1:2
  drops <- NULL
  if (is.null(cluster)) {
    labels <- setdiff(attr(terms(fit), "term.labels"),
                      grep("strata\\(", attr(terms(fit), "term.labels"), value = TRUE))
    drops <- lapply(labels, function(label) {
      smaller <- update(as_r(rhs), paste(". ~ . -", label))
      without <- fit_twice(paste(deparse(smaller), collapse = ""), rows, ties, weights,
                           NULL)
      list(term = label, statistic = 2 * (fit$loglik[2] - without$loglik[2]),
           df = p - length(coef(without)))
    })
  }
  list(
    name = name, data = data, formula = formula, ties = ties, strata = strata,
    weights = weights, cluster = cluster, subject = subject, n = fit$n,
    residuals = residual_tables(fit, if (is.null(subject)) NULL else rows[[subject]]),
    times = times, new_rows = c(1, nrow(rows)),
    predicted = predicted(fit, rows, strata, times),
    contrast_weights = weights_of,
    contrast = sum(weights_of * coef(fit)),
    contrast_std_error = sqrt(c(weights_of %*% vcov %*% weights_of)),
    joint_wald = c(coef(fit)[two] %*% solve(vcov[two, two], coef(fit)[two])),
    drops = drops,
    smooth = lapply(c(km = "km", identity = "identity", log = "log", rank = "rank"),
                    function(transform) smooth(fit, transform))
  )
}

lung_model <- "Surv(time, event) ~ age + C(sex) + ph_ecog"
months <- c(30, 180, 365, 700)

cases <- list(
  case("lung efron", "lung", lung_model, times = months),
  case("lung breslow", "lung", lung_model, ties = "breslow", times = months),
  case("lung strata", "lung", "Surv(time, event) ~ age + ph_ecog", strata = "sex",
       times = months),
  case("lung weights", "lung", lung_model, weights = "weight", times = months),
  case("lung weights breslow strata cluster", "lung",
       "Surv(time, event) ~ age + ph_ecog", ties = "breslow", strata = "sex",
       weights = "weight", cluster = "inst", subject = "inst", times = months),
  case("lung entry", "lung", "Surv(entry, time, event) ~ age + C(sex) + ph_ecog",
       times = months),
  case("lung entry weights strata cluster", "lung",
       "Surv(entry, time, event) ~ age + ph_ecog", weights = "weight",
       strata = "sex", cluster = "inst", times = months),
  case("lung years", "lung", "Surv(years, event) ~ age + C(sex) + ph_ecog",
       times = c(1, 2)),
  case("lung split", "lung_split", "Surv(entry, time, event) ~ age + C(sex) + ph_ecog",
       subject = "subject", times = months),
  case("veteran", "veteran", "Surv(time, event) ~ karno + C(celltype) + age",
       times = c(10, 80, 200)),
  case("flchain", "flchain", "Surv(time, event) ~ age + C(sex) + light_chain",
       times = c(500, 2000, 4000)),
  case("rotterdam", "rotterdam",
       "Surv(time, event) ~ age + C(size) + nodes + C(grade)", ties = "breslow",
       times = c(500, 2000, 4000))
)

write_reference("cox_rows", cases)
