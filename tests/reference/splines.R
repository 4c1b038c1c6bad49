# Restricted cubic splines of R's rms package: run `Rscript tests/reference/splines.R` from
# the root of the project. Writes tests/reference/splines.json.
#
# The basis and the default knots are those of rms::rcs, the fits those of coxph, because
# cph stops iterating early. Tests of non-linearity and curves are computed from coef and
# vcov, and checked against anova and contrast of the same model fitted by cph.
# `set_apart` has a fifth of its rows on its lowest value, made by integer arithmetic.

source(file.path("tests", "reference", "cohorts.R"))
suppressMessages(library(rms))

control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)

with_set_apart <- function(rows) {
  row <- seq_len(nrow(rows))
  rows$set_apart <- ifelse(row %% 5 == 0, 0, 10 + (row * 37) %% 101)
  rows[rows$time > 0, ]
}

case <- function(name, data, variable, knots, others = "", reference, at) {
  rows <- with_set_apart(cohorts[[data]])
  used <- all.vars(as.formula(paste0("~", variable, others)))
  rows <- rows[complete.cases(rows[used]), ]
  spline <- paste0("rcs(", variable, ", ", knots, ")")
  rhs <- paste0(spline, gsub("C\\(", "factor(", others))
  wanted <- as.formula(paste0("Surv(time, event) ~ ", rhs))
  fit <- coxph(wanted, rows, control = control)
  fit <- coxph(wanted, rows, control = control, init = coef(fit))
  linear <- coxph(as.formula(paste0("Surv(time, event) ~ ", variable,
                                    gsub("C\\(", "factor(", others))),
                  rows, control = control)
  basis <- rcs(rows[[variable]], eval(parse(text = knots)))
  placed <- attr(basis, "parms")
  k <- length(placed)
  wald <- function(columns) {
    beta <- coef(fit)[columns]
    sum(beta * solve(vcov(fit)[columns, columns], beta))
  }
  moved <- rcspline.eval(at, knots = placed, inclx = TRUE) -
    rcspline.eval(rep(reference, length(at)), knots = placed, inclx = TRUE)
  columns <- seq_len(k - 1)
  log_hr <- drop(moved %*% coef(fit)[columns])
  std_error <- sqrt(diag(moved %*% vcov(fit)[columns, columns] %*% t(moved)))

  for (column in all.vars(as.formula(paste0("~ 1", others)))) {
    if (grepl(paste0("C(", column, ")"), others, fixed = TRUE)) {
      rows[[column]] <- factor(rows[[column]])
    }
  }
  plain <- cph(as.formula(paste0("Surv(time, event) ~ ", spline,
                                 gsub("C\\((\\w+)\\)", "\\1", others))),
               rows, x = TRUE, y = TRUE, eps = 1e-10, tol = 1e-11, iter.max = 100)
  table <- anova(plain)
  stopifnot(
    all.equal(unname(coef(plain)), unname(coef(fit)), tolerance = 1e-6),
    all.equal(unname(table[2, "Chi-Square"]), wald(2:(k - 1)), tolerance = 1e-5)
  )
  list(
    name = name, data = data, variable = variable, reference = reference, at = at,
    formula = paste0("Surv(time, event) ~ rcs(", variable, ", ",
                     sub("c\\((.*)\\)", "[\\1]", knots), ")", others),
    knots = as.numeric(placed), first_rows = unname(unclass(basis)[1:3, 1:(k - 1)]),
    coef = unname(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))),
    log_likelihood = fit$loglik[2], wald_all = wald(columns),
    wald_nonlinear = wald(2:(k - 1)),
    lr_nonlinear = 2 * (fit$loglik[2] - linear$loglik[2]),
    log_hr = log_hr, curve_std_error = std_error
  )
}

cases <- c(
  lapply(3:7, function(k) {
    case(paste("flchain age", k), "flchain", "age", k, " + C(sex)", 65,
         c(50, 60, 65, 80, 95))
  }),
  list(
    case("lung age", "lung", "age", 4, "", 60, c(40, 55, 70, 85)),
    case("rotterdam age", "rotterdam", "age", 5, " + nodes + C(size)", 55,
         c(25, 40, 50, 70, 90)),
    case("rotterdam pgr", "rotterdam", "pgr", "c(10, 200, 800)", " + age", 10,
         c(0, 5, 50, 500, 3000)),
    case("given knots", "rotterdam", "nodes", "c(1, 4, 10)", " + age", 0,
         c(0, 1, 3, 8, 30)),
    case("limit of detection 3", "flchain", "set_apart", 3, " + age", 50,
         c(0, 20, 90)),
    case("limit of detection 5", "lung", "set_apart", 5, " + age", 50,
         c(0, 20, 90))
  )
)

write_reference("splines", cases)
