# R's side of the table, run by a cell as
#   Rscript tasks.R TASK PACKAGE WARM_UP_ROWS FILE COLUMN...
# FILE holds the columns one after the other as doubles, and is removed once read.
# Prints what `cell.py` prints for the other packages.

arguments <- commandArgs(trailingOnly = TRUE)
task <- arguments[1]
package <- arguments[2]
warm_up_rows <- as.integer(arguments[3])
path <- arguments[4]
columns <- arguments[-(1:4)]

covariates <- paste0("x", 1:12)
model <- as.formula(paste("Surv(time, event) ~", paste(covariates, collapse = " + ")))

with_std_error <- function(found) c(coef(found), sqrt(diag(vcov(found))))

tasks <- list(
  "Cox fit" = function(data) coef(coxph(model, data)),
  "Cox fit, robust SE" = function(data) {
    sqrt(diag(vcov(coxph(model, data, robust = TRUE))))
  },
  "C with variance" = function(data) {
    with_std_error(concordance(Surv(time, event) ~ score_a, data, reverse = TRUE))
  },
  "paired C with SE" = function(data) {
    # concordance(f1, f2) wants fitted models, whose fits would be timed with it.
    a <- concordance(Surv(time, event) ~ score_a, data, reverse = TRUE, influence = 1)
    b <- concordance(Surv(time, event) ~ score_b, data, reverse = TRUE, influence = 1)
    c(coef(a) - coef(b), sqrt(sum((a$dfbeta - b$dfbeta)^2)))
  },
  "fit, robust SE, C with SE" = function(data) {
    fit <- coxph(model, data, robust = TRUE)
    c(with_std_error(fit), fit$concordance[c("concordance", "std")])
  },
  "Cox fit, exact PH test" = function(data) cox.zph(coxph(model, data))$table[, "chisq"],
  "exact PH test of a fit" = list(
    fit = function(data) coxph(model, data),
    run = function(fit) cox.zph(fit)$table[, "chisq"]
  ),
  "Uno's C with SE" = function(data) {
    with_std_error(concordance(Surv(time, event) ~ score_a, data, reverse = TRUE,
                               timewt = "n/G2", ymax = 4000))
  },
  "Kaplan-Meier" = function(data) {
    curve <- survfit(Surv(time, event) ~ 1, data)
    last <- length(curve$surv)
    curve$surv[last] * c(1, curve$std.err[last])
  },
  "restricted means" = function(data) {
    curves <- survfit(Surv(time, event) ~ x9, data)
    summary(curves, rmean = 4000)$table[, c("rmean", "se(rmean)")]
  },
  "AUC(t) and Brier with SE" = function(data) {
    found <- Score(list(a = data$risk_a, b = data$risk_b), Surv(time, event) ~ 1, data,
                   times = 2000, cens.model = "km", conservative = FALSE,
                   se.fit = TRUE, null.model = FALSE, contrasts = FALSE)
    c(found$AUC$score$AUC, found$Brier$score$Brier,
      found$AUC$score$se, found$Brier$score$se)
  },
  "Fine-Gray" = function(data) {
    # crr stops at a gradient of 1e-6; with gtol = 1e-12 it agrees to 1e-10.
    fit <- crr(data$time, data$cause, as.matrix(data[covariates]))
    c(fit$coef, sqrt(diag(fit$var)))
  }
)

cpu_seconds <- function(call, times = 1) {
  gc()
  start <- sum(proc.time()[1:2])
  for (k in seq_len(times)) call()
  (sum(proc.time()[1:2]) - start) / times
}

values <- readBin(path, "double", file.size(path) / 8)
invisible(file.remove(path))
if (!suppressMessages(require("survival", quietly = TRUE) &&
                      require(package, quietly = TRUE, character.only = TRUE))) {
  cat('{"left_out": "not installed"}\n')
  quit()
}
data <- as.data.frame(matrix(values, ncol = length(columns)))
names(data) <- columns
parts <- tasks[[task]]
if (is.function(parts)) parts <- list(fit = identity, run = parts)
all_rows <- data
data <- head(all_rows, warm_up_rows) # cox.zph looks the data of a fit up by this name
invisible(parts$run(parts$fit(data)))
data <- all_rows
fitted <- parts$fit(data)

# As in cell.py; R's clock ticks in milliseconds, so short calls are timed together.
numbers <- NULL
call <- function() numbers <<- parts$run(fitted)
first <- cpu_seconds(call)
runs <- if (first < 0.5) 15 else if (first < 20) 5 else if (first < 45) 3 else 1
together <- max(1, ceiling(0.1 / max(first, 0.001)))
cpu <- if (runs == 1) first else replicate(runs, cpu_seconds(call, together))
cat(sprintf('{"cpu_s": %.6g, "runs": %d, "numbers": [%s]}\n', median(cpu), runs,
            paste(sprintf("%.17g", numbers), collapse = ", ")))
