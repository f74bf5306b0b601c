"""The estimators of scikit-learn, and one fit from the checks to the fitted attributes."""
